"""Sequence faults on synthetic cards: how many seeded ones are found, and what is claimed of cards without any.

``python -m bench.sequence FIRST LAST`` grows the people of those seeds (cached) and writes two cards of each.
"""

import sys
from collections import Counter
from itertools import combinations

from tenprint.fingerprint.itl import read_transaction
from tenprint.fingerprint.positions import FINGERS, FingerPosition
from tenprint.fingerprint.sequence import Prints, compare_prints, read_prints
from tenprint.fingerprint.synthetic import SyntheticPerson, write_card

_HANDS = (FINGERS[:5], FINGERS[5:])


def card(seed: int, capture: int) -> Prints:
    """The prints of one card without faults."""
    data = write_card(
        SyntheticPerson(seed), tot="CAR", ori="WVSIB0000", tcn="BENCH-000001", cri=["WV0010000"], retain=False,
        capture=capture,
    )  # fmt: skip
    return read_prints(read_transaction(data).impressions)


def filed(prints: Prints, places: dict[FingerPosition, FingerPosition], other: Prints | None = None) -> Prints:
    """The prints with other fingers rolled in some places, from another capture where one is given."""
    rolled = dict(prints.rolled)
    for place, finger in places.items():
        rolled[place] = (other or prints).rolled[finger]
    return Prints(rolled, prints.plain)


def main() -> None:
    """Measure and print."""
    first, last = int(sys.argv[1]), int(sys.argv[2])
    cards = false = confirmed = 0
    seeded: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for seed in range(first, last + 1):
        captures = [card(seed, capture) for capture in (1, 2)]
        for prints, other in (captures, captures[::-1]):
            cards += 1
            report = compare_prints(prints)
            false += len(report.faults)
            confirmed += len(report.confirmed)
            clear = set(report.confirmed)
            for one, two in [pair for hand in _HANDS for pair in combinations(hand, 2)]:
                told = compare_prints(filed(prints, {one: two, two: one})).faults
                right = {(fault.filed_as, fault.shows) for fault in told} == {(one, two), (two, one)}
                for kind in ("swaps", *(["swaps of clear prints"] if {one, two} <= clear else [])):
                    seeded[kind] += 1
                    found[kind] += right
                told = compare_prints(filed(prints, {one: two}, other)).faults
                right = [(fault.filed_as, fault.shows) for fault in told] == [(one, two)]
                seeded["doubled"] += 1
                found["doubled"] += right
            mirrored = {finger: FINGERS[(place + 5) % 10] for place, finger in enumerate(FINGERS)}
            told = compare_prints(filed(prints, mirrored)).faults
            seeded["fingers of the wrong hand"] += 10
            found["fingers of the wrong hand"] += sum(mirrored[fault.filed_as] is fault.shows for fault in told)
    print(f"{cards} cards without a fault: {false} faults claimed; {confirmed} of {10 * cards} fingers confirmed")
    for kind, count in seeded.items():
        print(f"{kind}: {found[kind]} of {count} found")


if __name__ == "__main__":
    main()
