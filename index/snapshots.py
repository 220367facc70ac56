"""A gallery's snapshots on disk: manifests that name segment files. The store is the truth; these make starting quick.

A folder holds segment files and manifests, `manifest-0000000042.json`, of which the two newest are kept. A manifest is
written to a partial file, brought to the disk, renamed, and the folder brought to the disk: it is there as a whole or
not at all. It carries its own checksum and those of the files it names.
"""

import base64
import hashlib
import json
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tenprint.index.errors import DamagedSnapshotError
from tenprint.index.segment_file import Observe, sync

KEPT: Final = 2
"""Manifests kept. The older one is there for the day the newer turns out damaged."""

_FORMAT: Final = 2
_NAME: Final = re.compile(r"manifest-(\d{10})\.json")


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """One segment file of a manifest.

    Attributes:
        file: its name.
        kind: of its encounters, as `census.Census` says.
        header_crc: CRC-32 of its header, in which are those of its sections.
        dead: which rows are dead: bits packed eight to a byte, first row in the highest, zlib, base64; empty: none.
    """

    file: str
    kind: int
    header_crc: int
    dead: str

    def dead_rows(self, count: int) -> NDArray[np.bool_]:
        """Bool [count]: which rows are dead."""
        if not self.dead:
            return np.zeros(count, dtype=np.bool_)
        packed = np.frombuffer(zlib.decompress(base64.b64decode(self.dead)), dtype=np.uint8)
        return np.unpackbits(packed, count=count).astype(np.bool_)


def packed_dead(dead: NDArray[np.bool_]) -> str:
    """Dead rows as `SegmentEntry.dead` holds them."""
    return base64.b64encode(zlib.compress(np.packbits(dead).tobytes())).decode() if dead.any() else ""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a snapshot is: of which gallery, up to which position, in which files.

    Attributes:
        gallery: its name.
        origin: the store it is a view of, and the epoch of it: opaque here. Another origin is another gallery.
        model_version: of every vector.
        dimension: numbers a finger.
        position: every change up to here is in it, and none after: opaque here.
        segments: the files.
        written_at: when, ISO 8601, UTC.
    """

    gallery: str
    origin: str
    model_version: str
    dimension: int
    position: str
    segments: tuple[SegmentEntry, ...]
    written_at: str = ""


class SnapshotFolder:
    """One gallery's snapshots. One process at a time.

    Args:
        path: the folder; made where it is not there.
        fsynced: told the seconds of each fsync.
    """

    def __init__(self, path: Path, fsynced: Observe) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self.path, self._fsynced = path, fsynced

    @property
    def fsynced(self) -> Observe:
        """What is told the seconds of each fsync."""
        return self._fsynced

    def manifests(self) -> Iterator[tuple[str, Manifest | DamagedSnapshotError]]:
        """The manifests there are, newest first, by file name; a damaged one as the error that says so."""
        for number in sorted(self._numbers(), reverse=True):
            name = _name(number)
            try:
                yield name, self._read(number)
            except DamagedSnapshotError as error:
                yield name, error

    def publish(self, manifest: Manifest) -> Manifest:
        """Write a manifest as the newest one, and drop those beyond the two newest.

        Raises:
            OSError: if it cannot be written; the manifests that were there stand.
        """
        number = max(self._numbers(), default=0) + 1
        manifest = Manifest(**{**_fields(manifest), "written_at": datetime.now(UTC).isoformat()})
        content = {"format": _FORMAT, "number": number, **asdict(manifest)}
        path = self.path / _name(number)
        partial = path.with_suffix(".partial")
        try:
            with partial.open("wb") as file:
                file.write(json.dumps({"sha256": _digest(content), "manifest": content}).encode())
                sync(file, self._fsynced)
            partial.replace(path)
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        sync_folder(self.path)
        return manifest

    def forget(self, used: Sequence[str]) -> int:
        """Remove manifests beyond the two newest, and the files that none of those and none of `used` name.

        Returns:
            How many segment files were removed.
        """
        numbers = sorted(self._numbers(), reverse=True)
        for number in numbers[KEPT:]:
            (self.path / _name(number)).unlink()
        named = set(used)
        for _, manifest in self.manifests():
            if isinstance(manifest, Manifest):
                named.update(entry.file for entry in manifest.segments)
        gone = 0
        for path in self.path.iterdir():
            if path.suffix == ".partial" or (path.suffix == ".segment" and path.name not in named):
                path.unlink()
                gone += path.suffix == ".segment"
        sync_folder(self.path)
        return gone

    def clear(self) -> None:
        """Remove every manifest and every file: the next start rebuilds the gallery from the store."""
        for number in self._numbers():
            (self.path / _name(number)).unlink()
        self.forget(())

    def _numbers(self) -> list[int]:
        return [int(found[1]) for path in self.path.iterdir() if (found := _NAME.fullmatch(path.name))]

    def _read(self, number: int) -> Manifest:
        name = _name(number)
        try:
            whole = json.loads((self.path / name).read_bytes())
            content, digest = whole["manifest"], whole["sha256"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DamagedSnapshotError(name, "cannot be read as a manifest") from error
        if _digest(content) != digest:
            raise DamagedSnapshotError(name, "does not have the checksum it was written with")
        if content.pop("format") != _FORMAT:
            raise DamagedSnapshotError(name, "is of another format than this version reads")
        if content.pop("number") != number:
            raise DamagedSnapshotError(name, "is another manifest under this one's name")
        segments = tuple(SegmentEntry(**entry) for entry in content.pop("segments"))
        return Manifest(**content, segments=segments)


def sync_folder(path: Path) -> None:
    """Bring a folder's entries to the disk: what was made, renamed or removed in it.

    Raises:
        OSError: if the disk does not take them.
    """
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _fields(manifest: Manifest) -> dict[str, Any]:
    return {name: getattr(manifest, name) for name in Manifest.__dataclass_fields__}


def _name(number: int) -> str:
    return f"manifest-{number:010}.json"


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
