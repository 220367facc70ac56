"""Synthetic bookings: files that the product's own readers, and the library's, take."""

from types import SimpleNamespace

import nistitl
import numpy as np
import pytest

from tenprint.fingerprint.itl import MissingFinger, MissingReason, read_transaction
from tenprint.fingerprint.positions import FINGERS, FingerPosition
from tenprint.fingerprint.synthetic import press
from tenprint.fingerprint.synthetic.card import CARD_FIELDS, write_card
from tenprint.workflow.ebts import SubmissionError, read_submission
from tenprint.workflow.ebts.type2_fields import field_rules
from tests.prints import grown

BOOKING = {"ori": "WVSIB0000", "tcn": "CARD-0000001", "cri": ["WV0010000"], "capture": 3}
MIDDLE, RING = FingerPosition.RIGHT_MIDDLE, FingerPosition.RIGHT_RING


@pytest.fixture(scope="module")
def person():
    """Ten fingers of two masters."""
    one, other = grown(1), grown(2)
    return SimpleNamespace(masters={position: other if position is RING else one for position in FINGERS})


def test_a_card_is_a_booking_of_fourteen_images(person):
    data = write_card(person, tot="CAR", retain=False, type2={"NAM": "DOE,JANE", "SLE": "IN CUSTODY"}, **BOOKING)
    read = read_submission(data)
    assert [impression.position for impression in read.file.impressions] == list(range(1, 15))
    assert [impression.rolled for impression in read.file.impressions] == [True] * 10 + [False] * 4
    assert (read.tot, read.ori, read.tcn, read.retain) == ("CAR", "WVSIB0000", "CARD-0000001", False)
    assert (read.claimed.name, read.claimed.birth_date, read.custody) == ("DOE,JANE", None, True)
    first = read.file.impressions[0].decode().pixels.astype(float)
    assert np.abs(first - press(person.masters[FINGERS[0]], 3, rolled=True).pixels).mean() < 12  # WSQ loses some
    message = nistitl.Message()
    message.parse(data)
    assert data == message.NIST


@pytest.mark.parametrize("tot", ["CNA", "NFUF", "MAP", "DEU", "RPIS", "TPIS"])
def test_other_transactions_are_valid_too(person, tot):
    extra = {"ATN": "OFC MILLER", "NDR": ["6", "9"]} if tot in {"RPIS", "TPIS"} else {}
    fingers = [FingerPosition.RIGHT_INDEX, FingerPosition.LEFT_INDEX]
    data = write_card(person, tot=tot, retain=True, slaps=False, fingers=fingers, type2=extra, **BOOKING)
    assert data == write_card(person, tot=tot, retain=True, slaps=False, fingers=fingers, type2=extra, **BOOKING)
    read = read_submission(data)
    assert [impression.position for impression in read.file.impressions] == fingers
    assert read.retain is (tot not in {"RPIS", "TPIS"})


def test_missing_and_misfiled_fingers(person):
    missing = {FingerPosition.LEFT_LITTLE: MissingReason.AMPUTATED}
    data = write_card(
        person, tot="CAR", retain=True, missing=missing, filed_as={MIDDLE: RING}, fingers=[MIDDLE, RING], **BOOKING
    )
    read = read_transaction(data)
    assert read.missing == (MissingFinger(FingerPosition.LEFT_LITTLE, MissingReason.AMPUTATED),)
    assert [impression.position for impression in read.impressions] == [3, 4, 11, 12, 13, 14]
    assert read.impressions[0].data == read.impressions[1].data
    nameless = write_card(
        person, tot="CAR", retain=True, slaps=False, fingers=[MIDDLE], type2={"NAM": None, "RAC": None}, **BOOKING
    )
    with pytest.raises(SubmissionError) as caught:
        read_submission(nameless)
    assert [problem.tag for problem in caught.value.problems] == ["2.018", "2.025"]


def test_a_card_names_its_fields_as_the_workflow_does():
    assert CARD_FIELDS.items() <= {name: rule.tag for name, rule in field_rules().items()}.items()
