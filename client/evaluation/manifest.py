"""Which prints there are, and whose: the rows of `manifest.csv`, and the captures that are made of them."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path
from typing import Final

import numpy as np

_COLUMNS: Final = ("dataset", "finger", "impression", "path", "ppi")


@dataclass(frozen=True, slots=True)
class Print:
    """One row: one impression of one finger.

    Attributes:
        dataset: the set it belongs to; sets are reported apart.
        finger: its finger, unique in the set, or in the subject where there is one.
        impression: its number; the least of a finger is enrolled.
        path: where the image lies.
        ppi: its resolution.
        subject: whose finger it is; empty: not told.
    """

    dataset: str
    finger: str
    impression: int
    path: Path
    ppi: int
    subject: str = ""

    @property
    def name(self) -> str:
        """The finger, unique over sets."""
        return ":".join(part for part in (self.dataset, self.subject, self.finger) if part)

    @property
    def person(self) -> str:
        """The subject, unique over sets; of a finger without one, the finger."""
        return f"{self.dataset}:{self.subject}" if self.subject else self.name


@dataclass(frozen=True, slots=True)
class Capture:
    """Fingers taken together: numbers of prints, the first of which takes position 1, the next 2, and so on."""

    prints: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Person:
    """One that is enrolled by a capture and searched for by others.

    Attributes:
        name: unique.
        dataset: where all the prints are from.
        unit: what the bootstrap draws: prints of one unit stay together.
        enrolled: of the least impression number that all the fingers have.
        probes: of the others.
    """

    name: str
    dataset: str
    unit: str
    enrolled: Capture
    probes: tuple[Capture, ...]


def read_manifest(folder: Path) -> list[Print]:
    """The rows of `manifest.csv`: dataset, finger, impression, path, ppi, and subject where there is such a column.

    Returns:
        The prints by data set, subject, finger and impression, whatever the order of the rows.

    Raises:
        ValueError: if a column is missing, a number is none, a print is there twice, or there is no row.
        OSError: if it cannot be read.
    """
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        if missing := [name for name in _COLUMNS if name not in (reader.fieldnames or ())]:
            raise ValueError(f"manifest.csv has no column {', '.join(missing)}; needed are {', '.join(_COLUMNS)}")
        prints = [
            Print(row["dataset"], row["finger"], _whole(row, "impression", reader.line_num), folder / row["path"],
                  _whole(row, "ppi", reader.line_num), row.get("subject") or "")
            for row in reader
        ]  # fmt: skip
    prints.sort(key=lambda item: (item.dataset, item.subject, item.finger, item.impression))
    for before, after in pairwise(prints):
        if (before.name, before.impression) == (after.name, after.impression):
            raise ValueError(f"manifest.csv has impression {after.impression} of {after.name} twice")
    if not prints:
        raise ValueError("manifest.csv has no rows")
    return prints


def template_path(folder: Path, item: Print) -> Path:
    """Where the template of an image lies: `FVC2002_DB1_B/101_1.png` at `FVC2002/DB1_B/101_1.iso`."""
    return folder / item.dataset.replace("_", "/", 1) / f"{item.path.stem}.iso"


def single_fingers(prints: Sequence[Print]) -> list[Person]:
    """Every finger as a person of its own. What the bootstrap draws are subjects where they are told, else fingers.

    Args:
        prints: as :func:`read_manifest` orders them.
    """
    return [_person([finger], prints[finger[0]].name, prints[finger[0]].person, prints) for finger in _fingers(prints)]


def persons(prints: Sequence[Print], fingers: int, seed: int) -> tuple[list[Person], bool]:
    """Persons of so many fingers.

    Args:
        prints: as :func:`read_manifest` orders them.
        fingers: 2 to 10.
        seed: of the draw that puts chimeras together.

    Returns:
        The persons, and whether they are real: the first fingers of every subject that has enough of them. Where no
        subject has, chimeras: fingers of one data set, drawn once each, that are people's, but no one person's.
    """
    subjects: dict[str, list[list[int]]] = {}
    for finger in _fingers(prints):
        if prints[finger[0]].subject:
            subjects.setdefault(prints[finger[0]].person, []).append(finger)
    real = [_person(held[:fingers], name, name, prints) for name, held in subjects.items() if len(held) >= fingers]
    if real:
        return [person for person in real if person.probes], True
    draw = np.random.default_rng(seed)
    made = []
    for dataset, group in groupby(_fingers(prints), key=lambda finger: prints[finger[0]].dataset):
        held = list(group)
        order = draw.permutation(len(held))
        for start in range(0, len(held) - fingers + 1, fingers):
            chosen = [held[place] for place in order[start : start + fingers]]
            name = f"{dataset}:chimera-{start // fingers + 1}"
            made.append(_person(chosen, name, name, prints))
    return [person for person in made if person.probes], False


def _fingers(prints: Sequence[Print]) -> list[list[int]]:
    """Numbers of the prints of each finger, by impression."""
    return [list(group) for _, group in groupby(range(len(prints)), key=lambda number: prints[number].name)]


def _person(fingers: Sequence[Sequence[int]], name: str, unit: str, prints: Sequence[Print]) -> Person:
    taken = [{prints[number].impression: number for number in finger} for finger in fingers]
    shared = sorted(set.intersection(*(set(one) for one in taken)))
    captures = [Capture(tuple(one[impression] for one in taken)) for impression in shared]
    if not captures:
        return Person(name, prints[fingers[0][0]].dataset, unit, Capture(()), ())
    return Person(name, prints[fingers[0][0]].dataset, unit, captures[0], tuple(captures[1:]))


def _whole(row: dict[str, str], column: str, line: int) -> int:
    try:
        return int(row[column])
    except (TypeError, ValueError):
        raise ValueError(f"manifest.csv, line {line}: {column} is {row[column]!r}; must be a whole number") from None
