"""Finger positions: the FGP codes of ANSI/NIST-ITL and EBTS, and the slot each finger takes in a capture's vector."""

from enum import IntEnum
from typing import Final


class FingerPosition(IntEnum):
    """FGP, friction ridge position code 0-15 (ANSI/NIST-ITL 1-2011, Table 8; EBTS 9.1 field 14.013)."""

    UNKNOWN = 0
    RIGHT_THUMB = 1
    RIGHT_INDEX = 2
    RIGHT_MIDDLE = 3
    RIGHT_RING = 4
    RIGHT_LITTLE = 5
    LEFT_THUMB = 6
    LEFT_INDEX = 7
    LEFT_MIDDLE = 8
    LEFT_RING = 9
    LEFT_LITTLE = 10
    PLAIN_RIGHT_THUMB = 11
    PLAIN_LEFT_THUMB = 12
    PLAIN_RIGHT_FOUR = 13
    PLAIN_LEFT_FOUR = 14
    PLAIN_THUMBS = 15

    @property
    def label(self) -> str:
        """The position in words, for people: ``"right thumb"``, ``"plain left four"``."""
        return self.name.lower().replace("_", " ")

    @property
    def is_slap(self) -> bool:
        """Whether an impression of this position shows several fingers at once."""
        return self in SLAPS

    @property
    def finger(self) -> "FingerPosition":
        """The anatomical finger 1-10 that a single-finger position shows: 11 is finger 1, 12 is finger 6.

        Raises:
            ValueError: for a slap (13-15) or an unknown position (0), which are no one finger.
        """
        if self in FINGERS:
            return self
        if self is FingerPosition.PLAIN_RIGHT_THUMB:
            return FingerPosition.RIGHT_THUMB
        if self is FingerPosition.PLAIN_LEFT_THUMB:
            return FingerPosition.LEFT_THUMB
        raise ValueError(f"position {int(self)} ({self.label}) is not a single known finger")

    @property
    def slot(self) -> int:
        """Index 0-9 of this finger's slot in a capture's vector (FGP order).

        Raises:
            ValueError: as for :attr:`finger`.
        """
        return int(self.finger) - 1


FINGERS: Final[tuple[FingerPosition, ...]] = tuple(FingerPosition(code) for code in range(1, 11))
"""The ten anatomical fingers, in FGP order."""

SLAPS: Final[frozenset[FingerPosition]] = frozenset(
    {FingerPosition.PLAIN_RIGHT_FOUR, FingerPosition.PLAIN_LEFT_FOUR, FingerPosition.PLAIN_THUMBS}
)
"""Positions whose impression holds several fingers."""

SLOTS: Final = len(FINGERS)
"""Number of slots in a capture's vector."""
