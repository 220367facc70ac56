"""Files on a disk as captures."""

from pathlib import Path

from tenprint.client.channel import MESSAGE_BYTES
from tenprint.client.types import Capture, Fingers, ImageSample, Sample, TemplateSample, TransactionFile

TRANSACTIONS = frozenset({".an2", ".an2k", ".nst", ".ebts", ".eft", ".nist"})
TEMPLATES = frozenset({".iso", ".fmr", ".ist"})


def read(path: Path) -> bytes:
    """A file's bytes.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is larger than any message.
    """
    with path.open("rb") as file:
        data = file.read(MESSAGE_BYTES + 1)
    if len(data) > MESSAGE_BYTES:
        raise ValueError(f"{path}: larger than a message may be, {MESSAGE_BYTES} bytes")
    return data


def sample(path: Path, position: int, ppi: int | None) -> Sample:
    """One finger from an image or a template, told apart by its suffix.

    Raises:
        OSError: if it cannot be read.
        ValueError: if it is larger than any message.
    """
    data = read(path)
    return TemplateSample(position, data) if path.suffix.lower() in TEMPLATES else ImageSample(position, data, ppi)


def capture(arguments: list[str], positions: tuple[int, ...], ppi: int | None) -> Capture:
    """A capture as the command line names it.

    Args:
        arguments: one transaction file; or fingers, each `POSITION=FILE`; or one file, its position in `positions`.
        positions: of a transaction, which to use; of one finger's file, its one position.
        ppi: resolution of images that do not say.

    Raises:
        ValueError: if the arguments are none of these, or a file is too large; says what they may be.
        OSError: if a file cannot be read.
    """
    if len(arguments) == 1 and "=" not in arguments[0]:
        path = Path(arguments[0])
        if path.suffix.lower() in TRANSACTIONS:
            return TransactionFile(read(path), positions)
        if len(positions) != 1:
            raise ValueError(f"{path.name}: say which finger it is: --positions 2, or 2={path.name} (0: unknown)")
        return Fingers((sample(path, positions[0], ppi),))
    if positions:
        raise ValueError("--positions goes with a single file; with POSITION=FILE the position stands before the file")
    fingers = []
    for argument in arguments:
        position, equals, name = argument.partition("=")
        if not equals or not position.isdecimal() or int(position) > 15:
            raise ValueError(f"{argument}: several files are given as POSITION=FILE, position 0 to 15")
        fingers.append(sample(Path(name), int(position), ppi))
    return Fingers(tuple(fingers))


def parse_positions(text: str) -> tuple[int, ...]:
    """`11,12` as numbers.

    Raises:
        ValueError: if it is not a list of positions 0 to 15.
    """
    if not text:
        return ()
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) <= 15 for part in parts):
        raise ValueError(f"--positions {text}: must be FGP codes 0 to 15 with commas between, as in 11,12")
    return tuple(int(part) for part in parts)
