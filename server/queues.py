"""What waits for a gallery, and in which order it is searched."""

import time
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

_T = TypeVar("_T")

AGEING_SECONDS: Final = 1.0
"""Waiting that lifts an item by one priority; after eight of these it is of the first."""

FIRST_PRIORITY: Final = 1
LAST_PRIORITY: Final = 9
"""As PRY in ANSI/NIST-ITL (1.006), whose default it is too."""


@dataclass(frozen=True, slots=True)
class Claim:
    """By what an item's turn is decided.

    Attributes:
        priority: 1 (first) to 9.
        agency: whose it is; agencies of one priority take turns.
        since: when it came, on the monotonic clock.
    """

    priority: int
    agency: str
    since: float = field(default_factory=time.monotonic)

    def level(self, now: float) -> int:
        """The priority it has by now."""
        return max(FIRST_PRIORITY, self.priority - int((now - self.since) / AGEING_SECONDS))


class TurnQueue(Generic[_T]):
    """Items in turn: by priority, which rises with waiting; then agency by agency; then, of one agency, by arrival.

    So whoever sends a thousand at once has one searched for each one of another agency that comes. Agencies take turns
    by start-time fair queueing (Goyal, Vin, Cheng 1996) with items of equal cost: an item's round is the one after that
    of its agency's last, or the current one where that is later. Not thread-safe.
    """

    def __init__(self) -> None:
        self._items: list[tuple[Claim, int, _T]] = []
        self._last_round: dict[str, int] = {}
        self._round = 0

    def __len__(self) -> int:
        return len(self._items)

    def add(self, claim: Claim, item: _T) -> None:
        """Let an item wait."""
        own = self._next_round(claim.agency)
        self._last_round[claim.agency] = own
        self._items.append((claim, own, item))

    def ahead(self, claim: Claim) -> int:
        """How many of those that wait now will be taken before a new one."""
        place = (claim.priority, self._next_round(claim.agency))
        return sum((held.level(claim.since), turn) <= place for held, turn, _ in self._items)

    def take(self, most: int) -> list[_T]:
        """Remove those whose turn it is, at most so many, in the order of their turns."""
        now = time.monotonic()
        keyed = sorted(
            (claim.level(now), turn, number) for number, (claim, turn, _) in enumerate(self._items)
        )[:most]  # fmt: skip
        taken = [self._items[number][2] for _, _, number in keyed]
        if len(taken) == len(self._items):
            self._items, self._last_round, self._round = [], {}, 0
        else:
            self._round = max(self._round, *(turn for _, turn, _ in keyed))
            gone = {number for _, _, number in keyed}
            self._items = [entry for number, entry in enumerate(self._items) if number not in gone]
        return taken

    def _next_round(self, agency: str) -> int:
        return max(self._round, self._last_round.get(agency, 0) + 1)
