"""`tenprint calibrate`: a fit on the people of a gallery, which the next server speaks by."""

import numpy as np
import pytest

from tenprint.fingerprint.calibration import Calibration, Kind
from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.minutiae import Minutiae
from tenprint.fingerprint.positions import FingerPosition
from tenprint.fingerprint.template import FingerView, write_template
from tenprint.v1 import capture_pb2, enrolment_pb2, identification_pb2
from tests.server.conftest import embedding_sample, fingers, originator, start_server, unit_vectors
from tests.server.test_upkeep import run

PEOPLE = 560
"""Each has one finger as minutiae; one in ten a second one, as a vector, by which half of them are searched."""


def template(rng):
    count = 24
    minutiae = Minutiae(
        rng.uniform(0, 300, count).astype(np.float32),
        rng.uniform(0, 400, count).astype(np.float32),
        rng.uniform(0, 2 * np.pi, count).astype(np.float32),
        np.ones(count, np.uint8),
        np.zeros(count, np.float32),
        301,
        401,
    )
    data = write_template([FingerView(FingerPosition.RIGHT_INDEX, minutiae, None, 0)])
    return capture_pb2.FingerSample(position=2, template=capture_pb2.MinutiaeTemplate(data=data))


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibrating")
    running = start_server(folder)
    rng = np.random.default_rng(3)

    def enrolments():
        for person in range(PEOPLE):
            samples = [template(rng)]
            if person % 10 == 0:
                samples.append(embedding_sample(3, unit_vectors(rng, (1, 256))[0], Embedder().version))
            for again in range(2 if person < 20 else 1):  # the second encounters take no part
                request = enrolment_pb2.EnrolRequest(
                    originator=originator(f"TCN{person:05d}-{again}"),
                    gallery="criminal",
                    subject_id=f"S{person}",
                    capture=fingers(*samples),
                )
                yield enrolment_pb2.EnrolStreamRequest(item=person, request=request)

    assert all(answer.HasField("response") for answer in running.enrolment.EnrolStream(enrolments()))
    assert running.stop() == 0
    return {"database_url": f"sqlite:///{folder / 'tenprint.db'}", "index_folder": str(folder / "index")}


@pytest.fixture(scope="module")
def mine(here, tmp_path_factory):
    """The file that the command wrote, and what it said."""
    path = tmp_path_factory.mktemp("fit") / "mine.json"
    (made,) = run("calibrate", "criminal", "--out", path, "--probes", "600", "--json", **here)
    return path, made


def test_the_file_says_what_it_was_fitted_on_and_nothing_of_anybody(mine):
    path, made = mine
    assert (made["people"], made["probes"]) == (PEOPLE, PEOPLE)
    assert 500 <= made["fused"] < PEOPLE
    calibration = Calibration.read(path)
    assert calibration.version == made["version"]
    assert calibration.source.startswith(f"gallery 'criminal': {PEOPLE} people, {PEOPLE} of them searched for, ")
    assert {kind: set(tails) for kind, tails in calibration.tails.items()} == {Kind.VECTOR: {1}, Kind.FUSED: {1}}, (
        "too few people have two fingers"
    )
    assert "S0" not in path.read_text()


def test_promised_by_the_next_server_is_about_what_is_observed(here, mine, launch):
    path, made = mine
    server = launch(**here, calibration=str(path))
    rng = np.random.default_rng(78)
    requests = [
        identification_pb2.IdentifyStreamRequest(
            item=item,
            request=identification_pb2.IdentifyRequest(
                originator=originator(), galleries=["criminal"], probe=fingers(template(rng)), target_fpir=0.1
            ),
        )
        for item in range(300)
    ]
    answers = [item.result.response.answers[0] for item in server.identification.IdentifyStream(iter(requests))]
    expected = Calibration.read(path).score_for(Kind.FUSED, 0.1, 1, answers[0].coverage.total)
    assert {answer.calibration_version for answer in answers} == {made["version"]}
    assert all(answer.score_threshold == pytest.approx(expected, rel=1e-6) for answer in answers)
    hits = sum(bool(answer.candidates) for answer in answers)
    assert 15 <= hits <= 50, "30 of 300 were promised; three standard deviations are 16, and the fit has its own"


@pytest.mark.parametrize(
    ("gallery", "says"), [("nowhere", "it has criminal, immigration"), ("immigration", "has 0 people")]
)
def test_what_cannot_be_fitted_is_said(here, tmp_path, gallery, says):
    told = run("calibrate", gallery, "--out", tmp_path / "mine.json", **here, code=1)
    assert says in " ".join(told.split())
    assert not (tmp_path / "mine.json").exists()
