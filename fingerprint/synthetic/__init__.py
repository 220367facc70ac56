"""Synthetic fingerprints: images of fingers that nobody has, for demonstrations, tests and load.

They are made to be seen as prints by the same software that sees real ones; error rates measured on them say nothing
about error rates on people.
"""

from tenprint.fingerprint.synthetic.cache import GENERATOR_VERSION
from tenprint.fingerprint.synthetic.card import write_card
from tenprint.fingerprint.synthetic.classes import NATURAL_SHARES, FingerClass, draw_class
from tenprint.fingerprint.synthetic.impression import PLAIN_SHAPE, ROLLED_SHAPE, press
from tenprint.fingerprint.synthetic.person import SyntheticPerson, grow_people
from tenprint.fingerprint.synthetic.png import encode_png
from tenprint.fingerprint.synthetic.ridges import MASTER_SHAPE, MasterFinger, grow_finger
from tenprint.fingerprint.synthetic.slap import SLAP_SHAPE, SyntheticSlap, press_slap

__all__ = [
    "GENERATOR_VERSION",
    "MASTER_SHAPE",
    "NATURAL_SHARES",
    "PLAIN_SHAPE",
    "ROLLED_SHAPE",
    "SLAP_SHAPE",
    "FingerClass",
    "MasterFinger",
    "SyntheticPerson",
    "SyntheticSlap",
    "draw_class",
    "encode_png",
    "grow_finger",
    "grow_people",
    "press",
    "press_slap",
    "write_card",
]
