"""What tests and scenarios book: synthetic cards, and cards of the real samples as an agency sends them."""

import functools
from types import SimpleNamespace

import nistitl

from tenprint.fingerprint.positions import FINGERS
from tenprint.fingerprint.synthetic import write_card
from tests.prints import grown

TAKEN = FINGERS[:4]
"""Of each person: four fingers are enough here, and read in less than half the time."""


@functools.cache
def person(number):
    """A synthetic person, from 1 on."""
    seeds = range(len(TAKEN) * (number - 1) + 1, len(TAKEN) * number + 1)
    return SimpleNamespace(masters=dict(zip(TAKEN, map(grown, seeds), strict=True)))


def card(number, ori, tcn, *, capture=1, retain=False, cri=None, tot="CAR", name=None, offence=None):
    """An EBTS file of a synthetic person, without slaps."""
    type2 = {}
    if name is not None:
        type2["NAM"] = name
    if offence is not None:
        type2["ASL"] = [("20260101", offence)]
    return write_card(
        person(number), tot=tot, ori=ori, tcn=tcn, cri=[cri or ori], retain=retain, capture=capture, type2=type2,
        slaps=False, fingers=TAKEN,
    )  # fmt: skip


def booked(sample, ori, tcn, *, retain=False):
    """A CAR of one's own with the images of a sample file: what a livescan would have sent of that card."""
    taken = nistitl.Message()
    taken.parse(sample.read_bytes())
    blank = nistitl.Message()
    blank.parse(card(1, ori, tcn, retain=retain))
    message = nistitl.Message()
    header, ours = message[0], blank[0]
    for name in ("TOT", "DAT", "PRY", "DAI", "ORI", "TCN", "NSR", "NTR"):
        setattr(header, name, getattr(ours, name))
    message += blank[1]
    for record in taken:
        if record.type == 14:
            message += record
    return bytes(message.NIST)
