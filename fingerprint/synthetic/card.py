"""A booking as a livescan device would send it: an EBTS file with the prints of a synthetic person."""

import io
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Final

import nistitl
import wsq as _wsq  # noqa: F401 - teaches Pillow the format
from PIL import Image

from tenprint.fingerprint.image import WORKING_PPI, GreyImage
from tenprint.fingerprint.itl import MissingReason
from tenprint.fingerprint.positions import FINGERS, FingerPosition
from tenprint.fingerprint.synthetic.impression import press
from tenprint.fingerprint.synthetic.person import SyntheticPerson
from tenprint.fingerprint.synthetic.slap import press_slap

CARD_FIELDS: Final = MappingProxyType(
    {
        "RET": 5, "ATN": 6, "SCO": 7, "OCA": 9, "FBI": 14, "SID": 15, "SOC": 16, "MNU": 17, "NAM": 18, "AKA": 19,
        "POB": 20, "CTZ": 21, "DOB": 22, "SEX": 24, "RAC": 25, "SMT": 26, "HGT": 27, "WGT": 29, "EYE": 31, "HAI": 32,
        "RFP": 37, "DPR": 38, "EAD": 39, "OCP": 40, "RES": 41, "TSR": 43, "DOA": 45, "ASL": 47, "SSD": 54, "SLE": 55,
        "ICO": 56, "RAP": 70, "CRI": 73, "AMP": 84, "NDR": 98,
    }
)  # fmt: skip
"""Type-2 fields that a card can carry: their tags by their EBTS names."""
_NOBODY: Final = MappingProxyType(
    {
        "NAM": "SYNTHETIC,PERSON", "POB": "YY", "DOB": "00000000", "SEX": "X", "RAC": "U", "HGT": "000", "WGT": "000",
        "EYE": "XXX", "HAI": "XXX",
    }
)  # fmt: skip
"""Field values that say that nothing is known."""
_ARRESTS: Final = frozenset({"CAR", "CNA", "CPNU", "CPDR"})
_SEARCHES: Final = frozenset({"RPIS", "TPIS", "TPRS"})
"""Transactions without a person's description."""
_LIVE_PLAIN, _LIVE_ROLLED = 0, 1
_PLAIN_THUMBS: Final = {
    FingerPosition.PLAIN_RIGHT_THUMB: FingerPosition.RIGHT_THUMB,
    FingerPosition.PLAIN_LEFT_THUMB: FingerPosition.LEFT_THUMB,
}
_PLAIN_FOURS: Final = (FingerPosition.PLAIN_RIGHT_FOUR, FingerPosition.PLAIN_LEFT_FOUR)
_NATIVE: Final = "19.69"
"""500 ppi in pixels a millimetre."""

Value = str | Sequence[str] | Sequence[Sequence[str]]
"""Of a Type-2 field: a text; several occurrences; or several occurrences of several items."""


def write_card(
    person: SyntheticPerson,
    *,
    tot: str,
    ori: str,
    tcn: str,
    cri: Sequence[str],
    retain: bool,
    capture: int,
    type2: Mapping[str, Value | None] = MappingProxyType({}),
    slaps: bool = True,
    fingers: Collection[FingerPosition] = FINGERS,
    filed_as: Mapping[FingerPosition, FingerPosition] = MappingProxyType({}),
    missing: Mapping[FingerPosition, MissingReason] = MappingProxyType({}),
    destination: str = "WVIAFIS0Z",
    priority: int = 4,
    made: date = date(2026, 1, 1),
) -> bytes:
    """Write an EBTS file of one capture; the same arguments give the same bytes on the same library versions.

    Images are WSQ in Type-14 records: the rolled fingers, then the plain thumbs (11, 12) and the slaps (13, 14).

    Args:
        person: whose prints.
        tot: type of transaction, ``"CAR"``. RPIS, TPIS and TPRS take no description of a person, and at most ten
            images: pass ``slaps=False``.
        ori: of the submitter, nine characters.
        tcn: its number of this transaction, 10 to 40 characters.
        cri: controlling agencies, the booking station first.
        retain: RET; not written in RPIS, TPIS and TPRS, which have no such field.
        capture: which capture, a non-negative integer; another gives other impressions of the same fingers.
        type2: Type-2 fields by EBTS name (``{"NAM": "DOE,JANE", "ASL": [("20260101", "1201 ROBBERY")]}``), over those
            that this function fills in to say that nothing is known; None leaves a field out.
        slaps: whether plain thumbs and slaps are on it.
        fingers: FGP 1-10 of the rolled prints.
        filed_as: for a card with a mistake in it: the finger that was rolled in the place of another, by that place.
        missing: fingers that cannot be printed (2.084), on no image.
        destination: 1.007.
        priority: 1.006, 1 to 9.
        made: 1.005, and the date of arrest.

    Returns:
        The file's bytes; about 0.4 MB with slaps.

    Raises:
        KeyError: for the name of a Type-2 field that a card does not carry.
    """
    message = nistitl.Message()
    header = message[0]
    header.TOT, header.DAT, header.PRY = tot, made.strftime("%Y%m%d"), str(priority)
    header.DAI, header.ORI, header.TCN = destination, ori, tcn
    header.NSR = header.NTR = _NATIVE
    fields: dict[str, Value | None] = {} if tot in _SEARCHES else {"RET": "Y" if retain else "N", **_NOBODY}
    if tot in _ARRESTS:
        fields |= {"DOA": header.DAT, "ASL": [(header.DAT, "UNKNOWN")]}
    elif tot not in _SEARCHES:
        fields |= {"DPR": header.DAT, "RFP": "UNKNOWN"}
    fields["CRI"] = list(cri)
    if missing:
        fields["AMP"] = [(f"{int(finger):02}", reason.value) for finger, reason in sorted(missing.items())]
    fields |= type2
    record = nistitl.AsciiRecord(2)
    for name in sorted(fields, key=CARD_FIELDS.__getitem__):
        value = fields[name]
        if value is None:
            continue
        record += nistitl.Field(2, CARD_FIELDS[name], value if isinstance(value, str) else list(value), alias=name)
    message += record
    for number, (position, image, rolled) in enumerate(
        _images(person, capture, slaps=slaps, fingers=fingers, filed_as=filed_as, missing=missing), start=1
    ):
        message += _image_record(number, position, image, rolled=rolled, ori=ori, made=header.DAT)
    return bytes(message.NIST)


def _images(
    person: SyntheticPerson,
    capture: int,
    *,
    slaps: bool,
    fingers: Collection[FingerPosition],
    filed_as: Mapping[FingerPosition, FingerPosition],
    missing: Mapping[FingerPosition, MissingReason],
) -> list[tuple[FingerPosition, GreyImage, bool]]:
    """Position, image, and whether it is rolled."""
    masters = person.masters
    images = [
        (position, press(masters[filed_as.get(position, position)], capture, rolled=True), True)
        for position in sorted(fingers)
        if position not in missing
    ]
    if not slaps:
        return images
    images += [
        (position, press(masters[finger], capture, rolled=False), False)
        for position, finger in _PLAIN_THUMBS.items()
        if finger not in missing
    ]
    for position, hand in zip(_PLAIN_FOURS, (FINGERS[1:5], FINGERS[6:10]), strict=True):
        touching = {finger: masters[finger] for finger in hand if finger not in missing}
        if touching:
            images.append((position, press_slap(touching, position, capture).image, False))
    return images


def _image_record(
    number: int, position: FingerPosition, image: GreyImage, *, rolled: bool, ori: str, made: str
) -> nistitl.AsciiRecord:
    height, width = image.pixels.shape
    encoded = io.BytesIO()
    Image.fromarray(image.pixels).save(encoded, format="WSQ")
    record = nistitl.AsciiRecord(14)
    record.IDC, record.IMP, record.SRC = number, _LIVE_ROLLED if rolled else _LIVE_PLAIN, ori
    record.FCD, record.HLL, record.VLL = made, width, height
    record.SLC, record.THPS, record.TVPS = 1, WORKING_PPI, WORKING_PPI
    record.CGA, record.BPX, record.FGP = "WSQ20", 8, int(position)
    record.DATA = encoded.getvalue()
    return record
