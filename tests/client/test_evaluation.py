"""What counts as a miss in an evaluation, and what stops it: no figure may rest on a search that was not made."""

import grpc
import pytest

from tenprint.client.errors import InvalidRequestError, NotFoundError, OverloadedError
from tenprint.client.evaluation import GALLERY, EvaluationError, Print, evaluate, template_path
from tenprint.client.types import Answer, Candidate, Coverage, GalleryInfo, Identification, Outcome, Receipt

UNREADABLE = InvalidRequestError(grpc.StatusCode.INVALID_ARGUMENT, "no usable print")
FULL = OverloadedError(grpc.StatusCode.RESOURCE_EXHAUSTED, "full")
RECEIPT = Receipt("T", "P", "E", (), "v1", repeated=False, position="")


def found(*subjects, outcome=Outcome.CANDIDATES):
    candidates = tuple(Candidate(i + 1, subject, "E", 0.5, ()) for i, subject in enumerate(subjects))
    answer = Answer(GALLERY, outcome, candidates, Coverage(2, 2, 0), None, -1.0, 0.1, 0.2, 0.3, 0.0)
    return Identification("T", (answer,), (), "v1", 0.1, 0.1, 0.2)


class _Client:
    def __init__(self, receipts, results):
        self.receipts, self.results = receipts, results

    def enrol_stream(self, enrolments, timeout):
        self.enrolled = list(enrolments)
        return enumerate(self.receipts)

    def identify_stream(self, searches, timeout):
        self.searched = list(searches)
        return reversed(list(enumerate(self.results)))  # in no set order, as the wire says

    def describe(self, gallery):
        return GalleryInfo(gallery, "", 2, 2, 0, "v1", 256, 0)


@pytest.fixture
def prints(tmp_path):
    (tmp_path / "print.png").write_bytes(b"png")
    return [Print("SET", finger, i, tmp_path / "print.png", 500) for finger in ("1", "2") for i in (1, 2, 3)]


def report(client, prints):
    return evaluate(client, prints, None, lambda stream, *_: stream)


def test_ranks_misses_and_prints_without_use_are_counted_apart(prints):
    client = _Client([RECEIPT, UNREADABLE], [found("SET:1"), found("SET:2", "SET:1"), UNREADABLE, found("SET:1")])
    told = report(client, prints)
    assert [enrolment.subject_id for enrolment in client.enrolled] == ["SET:1", "SET:2"]
    assert {search.score_threshold for search in client.searched} == {-1.0}
    pooled = told.pooled
    assert (pooled.fingers, pooled.probes, pooled.rank_1, pooled.rank_10) == (2, 4, 0.25, 0.5)
    assert (pooled.refused_enrolments, pooled.refused_probes, pooled.refused) == (1, 1, 2)
    assert pooled.seconds_p50 == pytest.approx(1.0)  # the failure has no time of its own
    assert told.datasets == {"SET": pooled}


@pytest.mark.parametrize("outcome", [Outcome.PARTIAL, Outcome.ERROR])
def test_a_search_that_was_not_complete_is_no_miss(prints, outcome):
    client = _Client([RECEIPT, RECEIPT], [found("SET:1"), found(outcome=outcome)] * 2)
    with pytest.raises(EvaluationError, match=outcome):
        report(client, prints)


def test_a_server_that_fails_is_no_miss(prints):
    with pytest.raises(OverloadedError):
        report(_Client([RECEIPT, RECEIPT], [found("SET:1"), FULL] * 2), prints)
    with pytest.raises(NotFoundError):
        report(_Client([NotFoundError(grpc.StatusCode.NOT_FOUND, "gallery"), RECEIPT], []), prints)


def test_where_the_template_of_an_image_lies(tmp_path):
    item = Print("FVC2002_DB1_B", "101", 1, tmp_path / "FVC2002_DB1_B" / "101_1.png", 500)
    assert template_path(tmp_path, item) == tmp_path / "FVC2002" / "DB1_B" / "101_1.iso"
