"""Small EBTS files, built field by field."""

import nistitl
import numpy as np

PIXELS = np.random.default_rng(3).integers(0, 256, (80, 72)).astype(np.uint8)

CAR = {
    5: "Y",
    18: "DOE,JANE",
    20: "MX",
    22: "19800229",
    24: "F",
    25: "U",
    27: "505",
    29: "130",
    31: "BRO",
    32: "BLK",
    45: "20260101",
    47: [["20251231", "1201 ROBBERY"]],
    73: "WV0010000",
}
RPIS = {6: "OFC MILLER", 73: "WV0010000", 98: ["6", "9"]}


def image(number, position, **changed):
    """A Type-14 record of 72 x 80 uncompressed pixels."""
    record = nistitl.AsciiRecord(14)
    record.IDC = number
    fields = {3: 1, 4: "WV0010000", 5: 20260101, 6: 72, 7: 80, 8: 2, 9: 197, 10: 197, 11: "NONE", 12: 8, 13: position}
    for tag, value in {**fields, **{int(name[1:]): value for name, value in changed.items()}}.items():
        record += nistitl.Field(14, tag, value)
    record.DATA = PIXELS.tobytes()
    return record


def ebts_file(tot="CAR", *, header=None, fields=None, images=None):
    """The bytes of a file; `header` and `fields` are changes, None taking a field away, `fields` to the TOT's own."""
    message = nistitl.Message()
    head = {4: tot, 5: "20260102", 6: "4", 7: "WVIAFIS0Z", 8: "WVSIB0000", 9: "TCN-0000000001", **(header or {})}
    for tag, value in head.items():
        setattr(message[0], f"_{tag}", "" if value is None else value)
    person = nistitl.AsciiRecord(2)
    for tag, value in sorted({**(RPIS if tot == "RPIS" else CAR), **(fields or {})}.items()):
        if value is not None:
            person += nistitl.Field(2, tag, value)
    message += person
    for record in [image(1, 1), image(2, 2)] if images is None else images:
        message += record
    return message.NIST
