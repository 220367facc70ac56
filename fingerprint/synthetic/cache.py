"""Grown fingers on disk: a file for each person, written whole or not at all, made anew where damaged."""

import os
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tenprint.fingerprint.positions import SLOTS
from tenprint.fingerprint.synthetic.ridges import RELIEF_SHAPE

GENERATOR_VERSION: Final = 1
"""Part of every file's name; to be raised with every change that alters what growing a finger gives."""

_BYTES: Final = SLOTS * RELIEF_SHAPE[0] * RELIEF_SHAPE[1]


@dataclass(frozen=True, slots=True)
class ReliefCache:
    """The reliefs of people's ten fingers, by the person's seed.

    Attributes:
        folder: where the files lie; made at the first store.
    """

    folder: Path

    def load(self, seed: int) -> NDArray[np.uint8] | None:
        """Read a person's reliefs.

        Args:
            seed: the person's seed.

        Returns:
            uint8 [10, 360, 320] in FGP order, read-only; None where there is no whole file of this generator version.

        Raises:
            OSError: if there is a file that may not be read.
        """
        try:
            packed = self._file(seed).read_bytes()
        except FileNotFoundError:
            return None
        unpacking = zlib.decompressobj()
        try:
            plain = unpacking.decompress(packed, _BYTES + 1)
        except zlib.error:  # damaged: as good as absent, and the next store writes it anew
            return None
        if len(plain) != _BYTES or not unpacking.eof:
            return None
        return np.frombuffer(plain, dtype=np.uint8).reshape(SLOTS, *RELIEF_SHAPE)

    def store(self, seed: int, reliefs: NDArray[np.uint8]) -> None:
        """Write a person's reliefs, beside the old file first and then over it.

        Args:
            seed: the person's seed.
            reliefs: uint8 [10, 360, 320] in FGP order.

        Raises:
            OSError: if the folder cannot be made or the file cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self.folder, suffix=".tmp")
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(zlib.compress(reliefs.tobytes()))
            Path(name).replace(self._file(seed))
        except BaseException:  # whatever stopped it, an interrupt included: leave nothing half-written behind
            Path(name).unlink(missing_ok=True)
            raise

    def _file(self, seed: int) -> Path:
        return self.folder / f"person-v{GENERATOR_VERSION}-{seed}.reliefs"
