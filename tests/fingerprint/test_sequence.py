"""Rolled fingers against the slaps of their card: seeded mistakes found, none claimed of cards without."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from tenprint.fingerprint.itl import MissingReason, read_transaction
from tenprint.fingerprint.positions import FINGERS, FingerPosition
from tenprint.fingerprint.sequence import FaultKind, Prints, compare_prints, read_prints, sequence_faults
from tenprint.fingerprint.synthetic import write_card
from tests.prints import grown

THUMB, INDEX, MIDDLE, RING, LITTLE, LEFT_THUMB = FINGERS[:6]
GONE = dict.fromkeys(FINGERS[6:], MissingReason.AMPUTATED)


@pytest.fixture(scope="module")
def person():
    return SimpleNamespace(masters=dict(zip(FINGERS, [grown(seed) for seed in range(910, 916)], strict=False)))


def impressions(person, capture, filed_as):
    card = write_card(
        person,
        tot="CAR",
        ori="WVSIB0000",
        tcn="CARD-0000001",
        cri=["WV0010000"],
        retain=False,
        capture=capture,
        fingers=FINGERS[:6],
        missing=GONE,
        filed_as=filed_as,
    )
    return read_transaction(card).impressions


@pytest.fixture(scope="module")
def clean(person):
    return read_prints(impressions(person, 1, {}), GONE)


def told(report):
    return [(fault.kind, fault.filed_as, fault.shows) for fault in report.faults]


def test_nothing_is_claimed_of_a_card_without_a_mistake(clean):
    report = compare_prints(clean)
    assert report.faults == ()
    assert report.confirmed == FINGERS[:6]
    assert report.unchecked == ()


def test_every_kind_of_mistake_is_found_and_named(person):
    mistakes = {INDEX: MIDDLE, MIDDLE: INDEX, LITTLE: RING, LEFT_THUMB: THUMB}
    report = sequence_faults(impressions(person, 2, mistakes), GONE)
    assert told(report) == [
        (FaultKind.SWAPPED, INDEX, MIDDLE),
        (FaultKind.SWAPPED, MIDDLE, INDEX),
        (FaultKind.DOUBLED, LITTLE, RING),
        (FaultKind.WRONG_HAND, LEFT_THUMB, THUMB),
    ]
    assert str(report.faults[0]) == ("swapped: the rolled print filed as right index matches the plain right middle")
    assert all(0.3 <= fault.score <= 1 for fault in report.faults)
    assert report.confirmed == (THUMB, RING)


@pytest.mark.parametrize("one", FINGERS[:5])
@pytest.mark.parametrize("two", FINGERS[:5])
def test_every_swap_of_two_fingers_of_a_hand_is_found(clean, one, two):
    rolled = {**clean.rolled, one: clean.rolled[two], two: clean.rolled[one]}
    expected = [] if one is two else [(FaultKind.SWAPPED, *pair) for pair in sorted([(one, two), (two, one)])]
    assert told(compare_prints(Prints(rolled, clean.plain))) == expected


def test_a_finger_without_a_place_for_its_own_is_misplaced(clean):
    rolled = {INDEX: clean.rolled[MIDDLE], MIDDLE: clean.rolled[RING], RING: clean.rolled[INDEX]}
    assert told(compare_prints(Prints(rolled, clean.plain))) == [
        (FaultKind.MISPLACED, INDEX, MIDDLE),
        (FaultKind.MISPLACED, MIDDLE, RING),
        (FaultKind.MISPLACED, RING, INDEX),
    ]


def test_without_slaps_nothing_is_claimed_and_everything_is_unchecked(clean):
    report = compare_prints(Prints(clean.rolled, {}))
    assert (report.faults, report.confirmed) == ((), ())
    assert [unchecked.position for unchecked in report.unchecked] == list(FINGERS[:6])
    assert "no usable plain print" in report.unchecked[0].reason
    assert sequence_faults([]).unchecked == ()


def test_a_finger_whose_own_plain_print_is_absent_is_taken_for_no_other(clean):
    for finger in FINGERS[:6]:
        plain = {other: found for other, found in clean.plain.items() if other is not finger}
        report = compare_prints(Prints(clean.rolled, plain))
        assert report.faults == ()
        assert [unchecked.position for unchecked in report.unchecked] == [finger]


def test_images_that_cannot_be_read_are_unchecked(person):
    card = impressions(person, 1, {})
    damaged = [
        replace(each, data=b"x") if each.position in (INDEX, FingerPosition.PLAIN_RIGHT_FOUR) else each
        for each in card
        if each.position in (THUMB, INDEX, FingerPosition.PLAIN_RIGHT_THUMB, FingerPosition.PLAIN_RIGHT_FOUR)
    ]
    report = sequence_faults(damaged)
    assert (report.faults, report.confirmed) == ((), (THUMB,))
    assert [(unchecked.position, unchecked.reason) for unchecked in report.unchecked] == [
        (INDEX, "its image cannot be read, or shows no print")
    ]


@pytest.mark.real
def test_real_cards_have_no_mistake_and_a_seeded_one_is_found(real_data):
    card = read_transaction((real_data / "interchange/an2/type-14-tpcard-nqm.an2").read_bytes()).impressions
    prints = read_prints(card)
    report = compare_prints(prints)
    assert report.faults == ()
    assert len(report.confirmed) >= 5
    assert len(report.confirmed) + len(report.unchecked) == 10
    one, two = FingerPosition.RIGHT_THUMB, FingerPosition.LEFT_INDEX
    assert {one, two} <= set(report.confirmed)
    swapped = {**prints.rolled, one: prints.rolled[two], two: prints.rolled[one]}
    assert told(compare_prints(Prints(swapped, prints.plain))) == [
        (FaultKind.WRONG_HAND, one, two),
        (FaultKind.WRONG_HAND, two, one),
    ]


@pytest.mark.real
@pytest.mark.parametrize("name", ["an2/type-14-amp-nqm-utf8.an2", "ebts/NISTFile2.ebts"])
def test_real_files_that_are_no_whole_card_are_never_accused(real_data, name):
    read = read_transaction((real_data / "interchange" / name).read_bytes())
    report = sequence_faults(read.impressions, [finger.position for finger in read.missing])
    assert report.faults == ()
