"""The main job on real ten-print cards: enrol the rolled prints, identify by the plain ones."""

import pytest

from tenprint.v1 import capture_pb2, enrolment_pb2, identification_pb2
from tests.server.conftest import originator, start_server

pytestmark = pytest.mark.real


@pytest.fixture
def server(tmp_path):
    """One as it is installed, with LEADER."""
    running = start_server(tmp_path)
    yield running
    assert running.stop() == 0


def test_a_card_enrolled_in_two_galleries_is_found_by_its_plain_thumbs_and_slaps(server, real_data):
    folder = real_data / "interchange" / "an2"
    cards = {"criminal": "type-14-tpcard-nqm.an2", "immigration": "type-4-tpcard.an2"}
    for gallery, file in cards.items():
        receipt = server.enrolment.Enrol(
            enrolment_pb2.EnrolRequest(
                originator=originator(),
                gallery=gallery,
                subject_id=f"CARD-{gallery}",
                capture=capture_pb2.Capture(
                    transaction=capture_pb2.Transaction(data=(folder / file).read_bytes(), positions=range(1, 11))
                ),
            )
        )
        used = [report.position for report in receipt.samples if report.status == capture_pb2.SAMPLE_STATUS_USED]
        assert sorted(used) == list(range(1, 11))
    for gallery in cards:  # other people's thumbs, so that first place means something
        for number, finger in enumerate(range(101, 105)):
            pair = [
                capture_pb2.FingerSample(
                    position=position,
                    image=capture_pb2.Image(data=(real_data / f"fvc/{dataset}/{finger}_1.png").read_bytes(), ppi=500),
                )
                for position, dataset in ((1, "FVC2002_DB1_B"), (6, "FVC2004_DB1_B"))
            ]
            server.enrolment.Enrol(
                enrolment_pb2.EnrolRequest(
                    originator=originator(),
                    gallery=gallery,
                    subject_id=f"OTHER-{number}",
                    capture=capture_pb2.Capture(fingers=capture_pb2.FingerSamples(samples=pair)),
                )
            )
    response = server.identification.Identify(
        identification_pb2.IdentifyRequest(
            originator=originator(),
            galleries=list(cards),
            probe=capture_pb2.Capture(
                transaction=capture_pb2.Transaction(
                    data=(folder / cards["criminal"]).read_bytes(), positions=[11, 12, 13, 14]
                )
            ),
        )
    )
    for answer in response.answers:
        assert answer.coverage.searched == 5
        assert answer.outcome == identification_pb2.OUTCOME_CANDIDATES
        assert answer.candidates[0].subject_id == f"CARD-{answer.gallery}"
        assert [score.position for score in answer.candidates[0].finger_scores] == list(range(1, 11))
    reports = list(response.samples)  # a cut finger and the card's own impression of it, not named here, both have one
    cut = {report.position for report in reports if report.status == capture_pb2.SAMPLE_STATUS_SEGMENTED}
    used = sorted(report.position for report in reports if report.status == capture_pb2.SAMPLE_STATUS_USED)
    assert cut == {13, 14}
    assert used == [2, 3, 4, 5, 7, 8, 9, 10, 11, 12]
