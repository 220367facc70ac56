"""Submissions built here, broken here, and every real sample: taken, or refused for the right reason."""

from datetime import date

import nistitl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenprint.fingerprint.errors import FingerprintError
from tenprint.fingerprint.itl_records import TransactionLimits
from tenprint.fingerprint.positions import FingerPosition
from tenprint.workflow.ebts import ClaimedIdentity, Offence, SubmissionError, read_submission, transaction_types
from tenprint.workflow.ebts.errors import MAX_MESSAGE, Sender
from tests.workflow.ebts.conftest import CAR, ebts_file, image


def refused(data, **limits):
    with pytest.raises(SubmissionError) as caught:
        read_submission(data, TransactionLimits(**limits))
    return caught.value


def rules(data):
    return [(problem.tag, problem.rule) for problem in refused(data).problems]


def test_a_booking_is_read():
    fields = {
        6: "OFC MILLER",
        7: ["WV0020000", "WVTELETYPE19"],
        14: ["123456AB7", "99"],
        15: "WV12345",
        47: [["20251231", "1201 ROBBERY"], ["", "OBSTRUCTING"], ["20251231", "54041 SPEEDING"]],
        55: "In custody since yesterday",
        73: ["WV0010000", "WV0020000"],
        98: ["1", "9"],
        999: "a state's own field",
    }
    read = read_submission(ebts_file(fields=fields))
    assert (read.tot, read.date, read.priority) == ("CAR", date(2026, 1, 2), 4)
    assert (read.destination, read.ori, read.tcn, read.tcr) == ("WVIAFIS0Z", "WVSIB0000", "TCN-0000000001", None)
    assert read.controlling_agencies == ("WV0010000", "WV0020000")
    assert read.retain is True
    assert read.attention == "OFC MILLER"
    assert read.offences == (
        Offence(date(2025, 12, 31), "1201 ROBBERY", "1201"),
        Offence(None, "OBSTRUCTING", None),
        Offence(date(2025, 12, 31), "54041 SPEEDING", None),  # five digits are no NCIC code
    )
    assert read.repositories == (1, 9)
    assert read.send_copy_to == ("WV0020000", "WVTELETYPE19")
    assert read.claimed == ClaimedIdentity("DOE,JANE", date(1980, 2, 29), "WV12345", ("123456AB7", "99"))
    assert read.custody is True
    assert read.demographics["NAM"] == ("DOE,JANE",)
    assert read.demographics["ASL"][0] == "20251231; 1201 ROBBERY"
    assert "999" not in repr(read.demographics)
    assert [impression.position for impression in read.file.impressions] == [1, 2]


@pytest.mark.parametrize(
    ("literal", "custody"),
    [
        ("Not in custody", False),
        ("RELEASED ON BOND", False),
        ("COUNTY JAIL", True),
        ("HELD WITHOUT BOND", None),
        ("UNDER SUPERVISION", None),
    ],
)
def test_custody_is_what_the_words_clearly_say_and_else_unknown(literal, custody):
    assert read_submission(ebts_file(fields={55: literal})).custody is custody
    assert read_submission(ebts_file()).custody is None


@pytest.mark.parametrize("retention", ["N", "n"])
def test_nothing_is_kept_unless_the_submitter_says_so(retention):
    assert read_submission(ebts_file(fields={5: retention})).retain is False


def test_a_rapid_search_is_never_kept():
    assert read_submission(ebts_file("RPIS", fields={5: "Y"})).retain is False
    assert read_submission(ebts_file("TPIS", fields={5: "Y", 6: "OFC MILLER"})).retain is False


def test_fields_that_a_transaction_does_not_provide_for_are_not_taken_over():
    read = read_submission(ebts_file("RPIS", fields={18: "DOE,JANE", 25: "U"}))
    assert set(read.demographics) == {"ATN", "CRI", "NDR"}
    assert read.claimed.name is None


def test_without_priority_it_is_the_last_and_an_unknown_birth_date_is_none():
    read = read_submission(ebts_file(header={6: None}, fields={22: "00000000"}))
    assert read.priority == 9
    assert read.claimed.birth_date is None


def test_a_name_in_utf_8_is_read_where_the_file_announces_it():
    name = "NUÑEZ,JOSÉ"
    data = ebts_file(header={15: [["3", "UTF-8"]]}, fields={18: name.encode().decode("latin-1")})
    assert read_submission(data).claimed.name == name
    assert rules(ebts_file(header={15: [["003", "UTF-8"]]}, fields={18: "NU\xd1EZ,X"})) == [("2.018", "BAD_FORMAT")]


@pytest.mark.parametrize("tag", sorted(CAR))
def test_each_mandatory_field_of_a_booking_is_missed(tag):
    assert rules(ebts_file(fields={tag: None})) == [(f"2.{tag:03}", "MISSING_FIELD")]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({4: "XYZ"}, ("1.004", "UNKNOWN_TOT")),
        ({4: None}, ("1.004", "UNKNOWN_TOT")),
        ({4: "LFIS"}, ("1.004", "NOT_TAKEN_HERE")),
        ({4: "SRE"}, ("1.004", "NOT_TAKEN_HERE")),
        ({5: "20260230"}, ("1.005", "BAD_FORMAT")),
        ({5: "2026011"}, ("1.005", "BAD_FORMAT")),
        ({6: "0"}, ("1.006", "BAD_FORMAT")),
        ({6: "10"}, ("1.006", "BAD_FORMAT")),
        ({7: None}, ("1.007", "MISSING_FIELD")),
        ({7: "FBI"}, ("1.007", "ORI_FORMAT")),
        ({8: "wvsib0000"}, ("1.008", "ORI_FORMAT")),
        ({8: None}, ("1.008", "MISSING_FIELD")),
        ({9: "SHORT"}, ("1.009", "TCN_FORMAT")),
        ({9: "T" * 41}, ("1.009", "TCN_FORMAT")),
        ({10: "SHORT"}, ("1.010", "TCN_FORMAT")),
    ],
)
def test_headers_that_are_refused(header, expected):
    assert rules(ebts_file(header=header)) == [expected]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({5: "MAYBE"}, "BAD_FORMAT"),
        ({5: "X"}, "BAD_FORMAT"),
        ({18: "JO"}, "BAD_FORMAT"),
        ({18: "R2,D2"}, "BAD_FORMAT"),
        ({18: "D" * 31}, "BAD_FORMAT"),
        ({22: "19810229"}, "BAD_FORMAT"),
        ({22: ["19800101"] * 6}, "BAD_FORMAT"),
        ({29: "12A"}, "BAD_FORMAT"),
        ({45: "00000000"}, "BAD_FORMAT"),
        ({47: "ROBBERY"}, "BAD_FORMAT"),
        ({47: [["20260101", "X" * 301]]}, "BAD_FORMAT"),
        ({47: [["20260101", "ROBBERY"]] * 41}, "BAD_FORMAT"),
        ({73: "WV001000"}, "ORI_FORMAT"),
        ({73: ["WV0010000"] * 4}, "ORI_FORMAT"),
        ({98: ["16"]}, "BAD_FORMAT"),
        ({98: ["1", "2", "3", "4", "5"]}, "BAD_FORMAT"),
    ],
)
def test_fields_that_are_refused(fields, expected):
    (tag,) = fields
    assert rules(ebts_file(fields=fields)) == [(f"2.{tag:03}", expected)]


def type_13(number):
    record = nistitl.AsciiRecord(13)
    record.IDC = number
    record.DATA = b"latent"
    return record


@pytest.mark.parametrize(
    ("tot", "images", "expected"),
    [
        ("CAR", [], [("1.003", "TOO_FEW_RECORDS")]),
        ("RPIS", [image(1, 2)], [("1.003", "TOO_FEW_RECORDS")]),
        ("CAR", [image(number, number % 15) for number in range(1, 16)], [("1.003", "TOO_MANY_RECORDS")]),
        ("CAR", [image(1, 1), *[type_13(number) for number in range(2, 5)]], [("1.003", "TOO_MANY_RECORDS")]),
        ("RPIS", [image(1, 2), image(2, 7), type_13(3)], [("1.003", "UNEXPECTED_RECORD")]),
        ("CAR", [image(1, 1), image(2, 3), image(3, 1, _3=0)], [("14.013", "DUPLICATE_FINGER")]),
        ("CAR", [image(1, 21)], [("14.013", "NO_USABLE_IMAGE")]),
    ],
)
def test_records_that_are_refused(tot, images, expected):
    assert rules(ebts_file(tot, images=images)) == expected


def test_two_descriptions_of_a_person_are_refused():
    second = nistitl.AsciiRecord(2)
    second.IDC = 1
    assert rules(ebts_file(images=[second, image(2, 1)])) == [("1.003", "TOO_MANY_RECORDS")]


def test_all_that_is_wrong_is_told_but_not_more_than_an_errt_carries():
    told = refused(ebts_file(header={9: "SHORT"}, fields=dict.fromkeys(CAR), images=[])).problems
    assert len(told) == 11
    assert [problem.tag for problem in told[:3]] == ["1.009", "1.003", "2.005"]


def test_who_is_to_be_told_is_read_even_from_a_file_that_is_cut_off():
    error = refused(ebts_file()[:300])
    assert [(problem.tag, problem.rule) for problem in error.problems] == [("1.001", "NOT_READABLE")]
    assert error.sender == Sender("WVSIB0000", "WVIAFIS0Z", "TCN-0000000001")
    assert refused(ebts_file(), max_bytes=400).sender == error.sender
    assert refused(b"Dear sir").sender == Sender(None, None, None)
    assert refused(b"").problems[0].rule == "NOT_READABLE"
    assert refused(ebts_file(header={8: "nobody"})).sender == Sender(None, "WVIAFIS0Z", "TCN-0000000001")


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(CAR)), st.text("QJXZqjxz0987~", min_size=40, max_size=60), min_size=1))
def test_no_message_quotes_a_field_of_the_person(broken):
    error = refused(ebts_file(fields={tag: f"#{value}#" for tag, value in broken.items()}))
    assert {problem.tag for problem in error.problems} >= {f"2.{tag:03}" for tag in sorted(broken)[:11] if tag != 47}
    for value in broken.values():
        assert value not in str(error)
    assert all(len(str(problem)) <= MAX_MESSAGE for problem in error.problems)


GOOD = ebts_file(fields={84: [["04", "XX"]], 98: "9"})


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), max_size=6))
def test_damaged_files_raise_nothing_but_a_submission_error(changes):
    data = bytearray(GOOD)
    for place, value in changes:
        data[place % len(data)] = value
    try:
        for impression in read_submission(bytes(data)).file.impressions:
            impression.decode()
    except (SubmissionError, FingerprintError) as error:
        assert str(error)  # noqa: PT017 - most examples raise, a few may not


def test_every_type_of_transaction_is_ready_to_be_taken():
    assert set(transaction_types()) == set(
        "CAR CNA CPNU CPDR DOCE EMUF NFUF NFUE NFAP FAUF FANC FNDR NNDR MAP DEK DEU MPR AMN RPIS TPIS TPRS".split()  # noqa: SIM905
    )
    for tot, kind in transaction_types().items():
        extra = {6: "OFC MILLER", 37: "EMPLOYMENT", 38: "20260101", 43: "P", 70: "N", 98: "1"}
        assert read_submission(ebts_file(tot, fields=extra)).tot == tot
        assert kind.answer_expected is (tot != "CNA")
        assert kind.response == ("RPISR" if tot == "RPIS" else "SRE")
        assert kind.may_be_kept is (tot not in {"RPIS", "TPIS", "TPRS"})
    assert transaction_types()["TPIS"].mandatory == ("ATN",)
    assert "not enforced" in transaction_types()["TPIS"].note


_NO_DESCRIPTION = {"MISSING_FIELD"}  # NIST's own samples hold a Type-2 record of one field of their own
_NO_PRINT = {"TOO_FEW_RECORDS", *_NO_DESCRIPTION}
REAL = {
    # file: the rules it breaks; none: it is taken
    "an2/biomeval/type3.an2k": {"TCN_FORMAT", "UNEXPECTED_RECORD", *_NO_PRINT},
    "an2/biomeval/type4-slaps.an2k": _NO_DESCRIPTION,
    "an2/biomeval/type9-13.an2k": {"NOT_READABLE"},  # field 2.034 twice
    "an2/biomeval/type9-efs.an2k": {"UNKNOWN_TOT", "ORI_FORMAT"},  # RFR
    "an2/biomeval/type9.an2k": {"NOT_TAKEN_HERE", "ORI_FORMAT"},  # LFFS
    "an2/nbis/valid1.1.an2": {"ORI_FORMAT"},  # its CRI has seven digits
    "an2/nbis/valid1.10.an2": {"ORI_FORMAT", "TOO_FEW_RECORDS", "UNEXPECTED_RECORD"},  # iris
    "an2/nbis/valid1.11.an2": {"UNEXPECTED_RECORD", "MISSING_FIELD"},  # Types 16, 17, 99
    "an2/nbis/valid1.13.an2": {"ORI_FORMAT", "TOO_FEW_RECORDS", "UNEXPECTED_RECORD"},
    "an2/nbis/valid1.14.an2": {"TOO_FEW_RECORDS", "UNEXPECTED_RECORD"},  # TPIS with one finger, and minutiae
    "an2/nbis/valid1.15.an2": {"TOO_FEW_RECORDS", "UNEXPECTED_RECORD", "MISSING_FIELD"},
    "an2/nbis/valid1.16.an2": {"UNEXPECTED_RECORD", "MISSING_FIELD"},
    "an2/nbis/valid1.2.an2": {"UNEXPECTED_RECORD"},  # Type 6
    "an2/nbis/valid1.3.an2": {"ORI_FORMAT", "TOO_FEW_RECORDS"},  # a face
    "an2/nbis/valid1.4.an2": {"TOO_FEW_RECORDS"},  # latents
    "an2/nbis/valid1.5.an2": {"TOO_FEW_RECORDS"},
    "an2/nbis/valid1.6.an2": {"TOO_FEW_RECORDS"},
    "an2/nbis/valid1.7.an2": {"NO_USABLE_IMAGE"},
    "an2/nbis/valid1.8.an2": set(),
    "an2/nbis/valid1.9.an2": {"UNEXPECTED_RECORD"},  # Types 8 and 17
    "an2/rec01_rec02_rec16.nst.an2": {"UNKNOWN_TOT", "ORI_FORMAT", "TCN_FORMAT"},
    "an2/type-13-14-latent-match.an2": _NO_DESCRIPTION,
    "an2/type-13-tip-eji-wsq.an2": {"TOO_MANY_RECORDS", *_NO_PRINT},
    "an2/type-14-amp-nqm-utf8.an2": _NO_DESCRIPTION,
    "an2/type-14-tip-eji-wsq.an2": {"NO_USABLE_IMAGE", *_NO_DESCRIPTION},
    "an2/type-14-tpcard-nqm.an2": _NO_DESCRIPTION,
    "an2/type-15-palms.an2": _NO_PRINT,
    "an2/type-17-iris.an2": {"UNEXPECTED_RECORD", *_NO_PRINT},
    "an2/type-3.an2": {"TCN_FORMAT", "UNEXPECTED_RECORD", *_NO_PRINT},
    "an2/type-4-14-slaps.an2": _NO_DESCRIPTION,
    "an2/type-4-slaps.an2": _NO_DESCRIPTION,
    "an2/type-4-tpcard.an2": _NO_DESCRIPTION,
    "an2/type-5.an2": {"TCN_FORMAT", "UNEXPECTED_RECORD", *_NO_PRINT},
    "an2/type-6.an2": {"TCN_FORMAT", "UNEXPECTED_RECORD", *_NO_PRINT},
    "an2/type-7-latent.an2": {"TCN_FORMAT", *_NO_PRINT},
    "an2/type-8-sig.an2": {"UNEXPECTED_RECORD", *_NO_PRINT},
    "an2/type-9-13-9-14-m1.an2": {"UNEXPECTED_RECORD", *_NO_DESCRIPTION},
    "an2/type-9-13-m1.an2": {"UNEXPECTED_RECORD", *_NO_PRINT},
    "an2/type-9-14-m1.an2": {"UNEXPECTED_RECORD", *_NO_DESCRIPTION},
    "an2/type-9-4-iafis.an2": {"UNEXPECTED_RECORD", *_NO_DESCRIPTION},
    "ebts/NISTFile.ebts": set(),
    "ebts/NISTFile2.ebts": set(),
}


@pytest.mark.real
def test_every_real_sample_is_taken_or_refused_for_the_right_reason(real_data):
    folder = real_data / "interchange"
    files = [*folder.glob("an2/**/*.an2*"), *folder.glob("ebts/*.ebts")]
    assert {str(path.relative_to(folder)) for path in files} == REAL.keys()
    for path in files:
        name = str(path.relative_to(folder))
        try:
            read = read_submission(path.read_bytes())
        except SubmissionError as error:
            assert {problem.rule for problem in error.problems} == REAL[name], name  # noqa: PT017 - some are taken
        else:
            assert not REAL[name], name
            assert read.file.impressions


@pytest.mark.real
def test_a_real_booking_is_read(real_data):
    read = read_submission((real_data / "interchange/ebts/NISTFile2.ebts").read_bytes())
    assert (read.tot, read.ori, read.priority, read.retain) == ("CAR", "TEST00001", 4, True)
    assert read.controlling_agencies == ("DDNMI0039",)
    assert [offence.ncic_code for offence in read.offences] == [None]
    assert [impression.position for impression in read.file.impressions] == [
        FingerPosition.RIGHT_INDEX,
        FingerPosition.PLAIN_RIGHT_FOUR,
    ]
