"""Bad input gets a status and a message that names the field and what is allowed, and changes nothing."""

import io
import zlib

import grpc
import numpy as np
import pytest
from PIL import Image

from tenprint.fingerprint.synthetic import encode_png, press
from tenprint.v1 import capture_pb2, enrolment_pb2, identification_pb2
from tests.prints import grown
from tests.server.conftest import embedding_sample, fingers, originator, refusal, unit_vectors

D = 256
INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture(scope="module")
def print_png():
    return encode_png(press(grown(1), 1, rolled=False))


@pytest.fixture(scope="module")
def model(server):
    return server.gallery("criminal").model_version


@pytest.fixture(autouse=True)
def _nothing_changes(server):
    """Whatever a test sends, the galleries hold afterwards what they held before, and the server still answers."""
    before = [server.gallery(name).encounters for name in ("criminal", "immigration")]
    yield
    assert [server.gallery(name).encounters for name in ("criminal", "immigration")] == before


def image_sample(data, position=2, **fields):
    return capture_pb2.FingerSample(position=position, image=capture_pb2.Image(data=data, **{"ppi": 500, **fields}))


def identify(server, probe, galleries=("criminal",), **fields):
    request = identification_pb2.IdentifyRequest(originator=originator(), galleries=galleries, probe=probe, **fields)
    return server.identification.Identify(request)


def ask(server, data, **fields):
    return identify(server, fingers(image_sample(data, **fields)))


def png(pixels):
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()


def bomb(side):
    """A PNG whose header says side x side; its data is a few bytes."""
    small = png(np.zeros((2, 2), dtype=np.uint8))
    chunk = b"IHDR" + side.to_bytes(4, "big") * 2 + b"\x08\x00\x00\x00\x00"
    return small[:12] + chunk + zlib.crc32(chunk).to_bytes(4, "big") + small[33:]


@pytest.mark.parametrize(
    ("data", "fields", "field", "says"),
    [
        (b"", {}, "image.data", "empty"),
        (b"\xff\xa0\xff\xa8\x00\x7a", {}, "image.data", ""),
        (b"not a picture", {}, "image.data", "PNG"),
        (bomb(8000), {}, "image.data", "pixels"),
        (None, {"ppi": 0}, "image.ppi", "250"),
        (None, {"format": capture_pb2.IMAGE_FORMAT_WSQ}, "image.format", ""),
        (png(np.full((400, 400), 255, dtype=np.uint8)), {}, "image.data", "minutiae"),
    ],
    ids=["empty", "truncated-wsq", "not-an-image", "64-megapixels", "ppi-0", "format-belied", "no-print"],
)
def test_images(server, print_png, data, fields, field, says):
    code, broken, _ = refusal(lambda: ask(server, print_png if data is None else data, **fields))
    assert code is INVALID
    assert list(broken) == [f"probe.fingers.samples[0].{field}"]
    assert says in broken[f"probe.fingers.samples[0].{field}"]


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", ""), (b"Dear sir, enclosed find ten fingers.\n" * 9, "ANSI/NIST"), (b"1.001:99\x1d1.002:0300\x1c", "")],
    ids=["empty", "text-file", "truncated"],
)
def test_transactions(server, data, says):
    probe = capture_pb2.Capture(transaction=capture_pb2.Transaction(data=data))
    code, broken, _ = refusal(lambda: identify(server, probe))
    assert code is INVALID
    assert list(broken) == ["probe.transaction.data"]
    assert says in broken["probe.transaction.data"]


@pytest.mark.parametrize(
    ("vector", "says"),
    [
        (np.full(D, np.nan), "finite"),
        (np.zeros(D), "unit length"),
        (np.full(D, 1.0), "unit length"),
        (np.full(D - 1, 1 / 16), f"{4 * D}"),
    ],
    ids=["nan", "zero-norm", "off-unit", "wrong-length"],
)
def test_embeddings(server, model, vector, says):
    code, broken, _ = refusal(lambda: identify(server, fingers(embedding_sample(2, vector, model))))
    assert code is INVALID
    assert says in broken["probe.fingers.samples[0].embedding.vector"]


def test_an_embedding_of_another_model(server):
    vector = unit_vectors(np.random.default_rng(1), (D,))
    code, _, message = refusal(lambda: identify(server, fingers(embedding_sample(2, vector, "some-other-model"))))
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert "probe.fingers.samples[0].embedding.model_version" in message
    assert "some-other-model" in message


def test_a_template_that_is_none(server):
    sample = capture_pb2.FingerSample(position=2, template=capture_pb2.MinutiaeTemplate(data=b"FMR\0" + b"\0" * 40))
    code, broken, _ = refusal(lambda: identify(server, fingers(sample)))
    assert code is INVALID
    assert list(broken) == ["probe.fingers.samples[0].template.data"]


def test_an_unknown_gallery(server, print_png):
    code, _, message = refusal(lambda: identify(server, fingers(image_sample(print_png)), galleries=["tenants"]))
    assert code is grpc.StatusCode.NOT_FOUND
    assert "'tenants'" in message
    assert "criminal, immigration" in message


@pytest.mark.parametrize("k", [0, 101, 2**32 - 1])
def test_numbers_of_candidates(server, print_png, k):
    code, broken, _ = refusal(lambda: identify(server, fingers(image_sample(print_png)), max_candidates=k))
    assert code is INVALID
    assert "100" in broken["max_candidates"]


def test_two_samples_for_one_finger(server, print_png):
    probe = fingers(image_sample(print_png, 1), image_sample(print_png, 11))
    code, broken, _ = refusal(lambda: identify(server, probe))
    assert code is INVALID
    assert "right thumb" in broken["probe.fingers.samples[1].position"]
    assert "one sample a finger" in broken["probe.fingers.samples[1].position"]


def test_a_finger_both_sent_and_missing(server, print_png):
    missing = capture_pb2.MissingFinger(position=2, reason=capture_pb2.MISSING_REASON_AMPUTATED)
    code, broken, _ = refusal(lambda: identify(server, fingers(image_sample(print_png, 2), missing=[missing])))
    assert code is INVALID
    assert "not both" in broken["probe.fingers.missing[0].position"]


def test_no_sample_at_all(server):
    for probe, field in ((capture_pb2.Capture(), "probe.source"), (fingers(), "probe.fingers.samples")):
        code, broken, _ = refusal(lambda probe=probe: identify(server, probe))
        assert code is INVALID
        assert field in broken


def test_one_finger_sent_as_a_slap_of_four_is_refused_by_what_was_found(server, print_png):
    code, broken, _ = refusal(lambda: identify(server, fingers(image_sample(print_png, 13))))
    assert code is INVALID
    (problem,) = broken.values()
    assert "4" in problem


def test_an_oversized_message(server):
    code, _, message = refusal(lambda: identify(server, fingers(image_sample(b"\0" * 34_000_000))))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "max" in message


def test_an_originator_is_required(server, print_png):
    request = identification_pb2.IdentifyRequest(
        originator=capture_pb2.Originator(ori="short", tcn="x"),
        galleries=["criminal"],
        probe=fingers(image_sample(print_png)),
    )
    code, broken, _ = refusal(lambda: server.identification.Identify(request))
    assert code is INVALID
    assert set(broken) == {"originator.ori", "originator.tcn"}


def test_an_unknown_position_cannot_be_enrolled(server, print_png):
    request = enrolment_pb2.EnrolRequest(
        originator=originator(), gallery="criminal", capture=fingers(image_sample(print_png, 0))
    )
    code, broken, _ = refusal(lambda: server.enrolment.Enrol(request))
    assert code is INVALID
    assert "capture.fingers.samples[0].position" in broken


def test_one_unreadable_finger_of_ten_is_named_and_the_nine_are_used(server, model):
    rng = np.random.default_rng(5)
    vectors = unit_vectors(rng, (10, D))
    samples = [embedding_sample(i + 1, vectors[i], model) for i in range(9)]
    blank = png(np.full((400, 400), 255, dtype=np.uint8))
    response = identify(server, fingers(*samples, image_sample(blank, 10)), score_threshold=-1)
    assert [report.status for report in response.samples] == [capture_pb2.SAMPLE_STATUS_USED] * 9 + [
        capture_pb2.SAMPLE_STATUS_UNREADABLE
    ]
    assert response.samples[9].position == 10
    assert "minutiae" in response.samples[9].detail


def test_in_a_batch_and_a_stream_only_the_bad_item_fails(server, print_png):
    good = identification_pb2.IdentifyRequest(
        originator=originator(), galleries=["criminal"], probe=fingers(image_sample(print_png))
    )
    bad = identification_pb2.IdentifyRequest()
    batch = server.identification.IdentifyBatch(identification_pb2.IdentifyBatchRequest(requests=[good, bad, good]))
    assert [result.WhichOneof("result") for result in batch.results] == ["response", "status", "response"]
    assert batch.results[1].status.code == INVALID.value[0]
    items = [identification_pb2.IdentifyStreamRequest(item=i, request=r) for i, r in enumerate((good, bad, good))]
    streamed = {answer.item: answer.result for answer in server.identification.IdentifyStream(iter(items))}
    assert [streamed[i].WhichOneof("result") for i in range(3)] == ["response", "status", "response"]


def test_batches_are_bounded(server, print_png):
    good = identification_pb2.IdentifyRequest(
        originator=originator(), galleries=["criminal"], probe=fingers(image_sample(print_png))
    )
    request = identification_pb2.IdentifyBatchRequest(requests=[good] * 65)
    code, broken, _ = refusal(lambda: server.identification.IdentifyBatch(request))
    assert code is INVALID
    assert "64" in broken["requests"]


def test_a_colour_picture(server):
    colour = np.zeros((300, 300, 3), dtype=np.uint8)
    colour[..., 0] = 200
    code, broken, _ = refusal(lambda: identify(server, fingers(image_sample(png(colour)))))
    assert code is INVALID
    assert "grey" in broken["probe.fingers.samples[0].image.data"]
