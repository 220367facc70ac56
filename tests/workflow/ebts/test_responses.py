"""Response files: read back by the library and by the product's reader; their forms told apart; bad values refused."""

from datetime import UTC, date, datetime, timedelta, timezone

import nistitl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenprint.fingerprint.itl import read_transaction
from tenprint.workflow.ebts import ResponseError, SubmissionError, read_submission
from tenprint.workflow.ebts.responses import (
    ImmigrationError,
    ImmigrationMatch,
    ImmigrationNoMatch,
    Provenance,
    RapidFinding,
    ResponseHeader,
    immigration_results,
    rapid_results,
    search_failure,
    search_results,
    tenprint_error,
)
from tests.workflow.ebts.conftest import ebts_file

AT = datetime(2026, 1, 2, 23, 30, tzinfo=timezone(-timedelta(hours=5)))
HEADER = ResponseHeader("ANSWER-000001", "TCN-0000000001", "WVIAFIS0Z", "WVSIB0000", 4, AT)
ORIGIN = Provenance("IMMIGRATION GALLERY", date(2026, 1, 1), "complaints@example.gov")
CRI = ["WV0010000", "WV0020000"]


def parsed(data):
    """The Type-1 record by alias, and the Type-2 fields by tag as lists."""
    message = nistitl.Message()
    message.parse(data)
    assert [record.type for record in message] == [1, 2]
    fields = {}
    for tag in range(2, 100):
        if message[1][tag] is not None:
            value = message[1][tag].value
            fields[tag] = value if isinstance(value, list) else [value]
    read = read_transaction(data)
    assert (read.type_of_transaction, read.impressions) == (message[0].TOT, ())
    return message[0], fields


def test_an_answer_goes_back_to_whom_it_came_from():
    head, _ = parsed(tenprint_error(HEADER, ["no"]))
    assert (head.ORI, head.DAI, head.TCN, head.TCR) == ("WVIAFIS0Z", "WVSIB0000", "ANSWER-000001", "TCN-0000000001")
    assert (head.DAT, head.GMT, head.PRY) == ("20260103", "20260103043000Z", "4")


def test_a_search_that_identifies_says_who_and_that_it_is_no_status():
    data = search_results(
        HEADER,
        subject_reference="SUBJECT-7",
        confirmed=True,
        name="DOE,JANE",
        controlling_agencies=CRI,
        provenance=ORIGIN,
        attention="OFC MILLER",
    )
    head, fields = parsed(data)
    assert head.TOT == "SRE"
    assert (fields[59], fields[18], fields[73], fields[6]) == (["I"], ["DOE,JANE"], CRI, ["OFC MILLER"])
    assert 14 not in fields  # the reference has a hyphen
    lines = fields[75][0].split("\r\n")
    assert max(map(len, lines)) <= 74
    told = " ".join(lines)
    assert "SAME PERSON AS RECORD SUBJECT-7; IDENTITY ONLY, NOT A STATUS; VERIFY BEFORE ACTION" in told
    assert "CONFIRMED BY AN EXAMINER" in told
    assert "SOURCE IMMIGRATION GALLERY AS OF 20260101" in told
    assert "complaints@example.gov" in told


def test_a_search_that_finds_nobody_says_so_and_invents_no_name():
    data = search_results(
        HEADER, subject_reference=None, confirmed=False, name=None, controlling_agencies=CRI[:1], provenance=ORIGIN
    )
    _, fields = parsed(data)
    assert (fields[59], fields[18], fields[73]) == (["N"], ["NOT PROVIDED"], CRI[:1])
    assert 14 not in fields
    assert "NOBODY WAS IDENTIFIED" in fields[75][0]


def test_a_reference_of_the_form_of_an_fbi_number_is_one():
    data = search_results(
        HEADER, subject_reference="123456AB7", confirmed=False, name=None, controlling_agencies=CRI, provenance=ORIGIN
    )
    _, fields = parsed(data)
    assert fields[14] == ["123456AB7"]
    assert "NOT CONFIRMED BY AN EXAMINER" in fields[75][0]


@pytest.mark.parametrize("finding", list(RapidFinding))
def test_a_rapid_search_is_red_yellow_or_green(finding):
    data = rapid_results(
        HEADER, finding=finding, attention="OFC MILLER", note="TWO FINGERS COMPARED", controlling_agencies=CRI
    )
    head, fields = parsed(data)
    assert (head.TOT, fields[59], fields[88]) == ("RPISR", [finding.value], ["TWO FINGERS COMPARED"])


def test_the_immigration_answers_three_forms_cannot_be_taken_for_each_other():
    results = {
        "M": ImmigrationMatch("A-100", confirmed=True, provenance=ORIGIN),
        "N": ImmigrationNoMatch(ORIGIN),
        "E": ImmigrationError("the gallery\nwas not reachable", ORIGIN),
    }
    told = {}
    for finding, result in results.items():
        head, fields = parsed(immigration_results(HEADER, result, controlling_agencies=CRI))
        assert (head.TOT, fields[59]) == ("IDR", [finding])
        told[finding] = fields[60]
        assert "SOURCE IMMIGRATION GALLERY AS OF 20260101" in fields[60]
        assert "REPORT A MISTAKE TO complaints@example.gov" in fields[60]
    assert told["M"][:2] == [
        "MATCH",
        "SAME PERSON AS RECORD A-100; IDENTITY ONLY, NOT A STATUS; VERIFY BEFORE ACTION",
    ]
    assert told["N"][0] == "NO MATCH"
    assert told["E"][:2] == [
        "ERROR: THE SEARCH WAS NOT COMPLETED; THIS IS NOT A NO MATCH",
        "the gallery was not reachable",
    ]


def test_a_failed_search_never_reads_as_no_match():
    data = search_failure(HEADER, searched="the criminal gallery", problem="x\ny " * 400, controlling_agencies=CRI)
    head, fields = parsed(data)
    assert head.TOT == "ERRT"
    assert fields[60][0] == "SEARCH OF THE CRIMINAL GALLERY NOT COMPLETED; THIS IS NOT A NO MATCH"
    assert len(fields[60][1]) == 300
    assert 59 not in fields


def test_an_error_carries_at_most_eleven_messages():
    _, fields = parsed(tenprint_error(HEADER, [f"problem {number}" for number in range(20)]))
    assert fields[60] == [f"problem {number}" for number in range(11)]
    with pytest.raises(ResponseError, match=r"2\.060"):
        tenprint_error(HEADER, [])


def test_a_refused_submission_becomes_an_error_to_its_sender():
    with pytest.raises(SubmissionError) as caught:
        read_submission(ebts_file(fields={18: None, 73: "short"}))
    error = caught.value
    header = ResponseHeader("ANSWER-000001", error.sender.tcn, error.sender.destination, error.sender.ori, 4, AT)
    head, fields = parsed(tenprint_error(header, [str(problem) for problem in error.problems]))
    assert (head.DAI, head.TCR) == ("WVSIB0000", "TCN-0000000001")
    assert [message.split(":")[0] for message in fields[60]] == ["2.018 MISSING_FIELD", "2.073 ORI_FORMAT"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"tcn": "short"}, "1.009"),
        ({"tcr": "x" * 41}, "1.010"),
        ({"from_ori": "fbi"}, "1.008"),
        ({"to_ori": "WVSIB0000\x1d"}, "1.007"),
        ({"priority": 0}, "1.006"),
        ({"at": datetime(2026, 1, 1)}, "1.014"),  # noqa: DTZ001 - that is what is refused
    ],
)
def test_headers_that_cannot_be_written(change, field):
    values = {name: getattr(HEADER, name) for name in ResponseHeader.__slots__} | change
    with pytest.raises(ResponseError, match=field):
        tenprint_error(ResponseHeader(**values), ["no"])


@pytest.mark.parametrize(
    ("name", "attention", "agencies", "field"),
    [
        ("DOE\x1d2.059:I", None, CRI, "2.018"),
        ("D" * 31, None, CRI, "2.018"),
        (None, "X", CRI, "2.006"),
        (None, None, [], "2.073"),
        (None, None, ["short"], "2.073"),
        (None, None, ["WV0010000"] * 4, "2.073"),
    ],
)
def test_values_that_cannot_be_written(name, attention, agencies, field):
    with pytest.raises(ResponseError, match=field):
        search_results(
            HEADER,
            subject_reference=None,
            confirmed=False,
            name=name,
            controlling_agencies=agencies,
            provenance=ORIGIN,
            attention=attention,
        )


_ORI = st.text("ABCXYZ0189", min_size=9, max_size=9)
_TCN = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=10, max_size=40)


@settings(max_examples=150, deadline=None)
@given(
    header=st.builds(
        ResponseHeader,
        tcn=_TCN,
        tcr=_TCN,
        from_ori=_ORI,
        to_ori=_ORI,
        priority=st.integers(1, 9),
        at=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    ),
    name=st.text("ABCÑÉ,- ", min_size=3, max_size=30).filter(lambda text: text.strip() == text),
    reference=st.none() | st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=64),
    agencies=st.lists(_ORI, min_size=1, max_size=3),
)
def test_what_is_written_is_read_back(header, name, reference, agencies):
    data = search_results(
        header,
        subject_reference=reference,
        confirmed=True,
        name=name,
        controlling_agencies=agencies,
        provenance=ORIGIN,
    )
    head, fields = parsed(data)
    assert (header.tcn, header.tcr, header.from_ori, header.to_ori) == (head.TCN, head.TCR, head.ORI, head.DAI)
    assert int(head.PRY) == header.priority
    assert fields[18][0].encode("latin-1").decode() == name
    assert name.isascii() or head.DCS == [["003", "UTF-8"]]
    assert fields[73] == agencies
    assert fields[59] == ["N" if reference is None else "I"]
    assert reference is None or reference in "".join(fields[75][0].split("\r\n")).replace(" ", "")
