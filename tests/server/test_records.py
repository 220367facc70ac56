"""The life of a record, over the wire."""

import time
from pathlib import Path

import grpc
import numpy as np
import pytest

from tenprint.fingerprint.synthetic import encode_png, press
from tenprint.fingerprint.template import read_template
from tenprint.index.vectors import unit_slots
from tenprint.v1 import capture_pb2, enrolment_pb2, identification_pb2, records_pb2
from tests.prints import grown
from tests.server.conftest import embedding_sample, fingers, originator, refusal, unit_vectors
from tests.server.test_durability import capture, enrolment, kill, search

seeds = iter(range(5000, 6000))


@pytest.fixture
def enrolled(server):
    """Enrol into the module's server; gives (seed, receipt)."""
    model = server.gallery("criminal").model_version

    def enrol(gallery="criminal", subject=None):
        seed = next(seeds)
        request = enrolment(seed, model, f"TCN-LIFE-{seed}", gallery)
        if subject is not None:
            request.subject_id = subject
        return seed, server.enrolment.Enrol(request)

    return enrol


def of_subject(seed):
    return records_pb2.RecordTarget(subject_id=f"S{seed}")


def found(server, seed):
    return search(server, seed, server.gallery("criminal").model_version)


def test_sealed_at_once_and_unsealed_again(server, enrolled):
    seed, receipt = enrolled()
    request = records_pb2.SealRequest(
        originator=originator(), gallery="criminal", target=of_subject(seed), reference="order 17"
    )
    sealed = server.records.Seal(request).receipt
    assert list(sealed.encounter_ids) == [receipt.encounter_id]
    assert (sealed.tcr, sealed.repeated) == (request.originator.tcn, False)
    assert found(server, seed) == []
    get = enrolment_pb2.GetRequest(originator=originator(), gallery="criminal", subject_id=f"S{seed}")
    assert [item.sealed for item in server.enrolment.Get(get).encounters] == [True]
    again = server.records.Seal(request).receipt
    assert (again.repeated, again.position, again.change_time) == (True, sealed.position, sealed.change_time)
    server.records.Unseal(
        records_pb2.UnsealRequest(originator=originator(), gallery="criminal", target=of_subject(seed))
    )
    assert found(server, seed) == [f"S{seed}"]
    history = server.records.History(
        records_pb2.HistoryRequest(originator=originator(), gallery="criminal", target=of_subject(seed))
    ).operations
    assert [(item.kind, item.reference) for item in history] == [
        (records_pb2.OPERATION_KIND_ENROL, ""),
        (records_pb2.OPERATION_KIND_SEAL, "order 17"),
        (records_pb2.OPERATION_KIND_UNSEAL, ""),
    ]


def test_the_same_transaction_with_other_content_is_refused(server, enrolled):
    one, two = enrolled()[0], enrolled()[0]
    by = originator()
    seal = records_pb2.SealRequest(originator=by, gallery="criminal", target=of_subject(one))
    server.records.Seal(seal)
    other = records_pb2.SealRequest(originator=by, gallery="criminal", target=of_subject(two))
    code, _, _ = refusal(lambda: server.records.Seal(other))
    assert code is grpc.StatusCode.ALREADY_EXISTS
    assert found(server, two) == [f"S{two}"]


def test_a_repeated_delete_gets_its_receipt(server, enrolled):
    seed, receipt = enrolled()
    request = enrolment_pb2.DeleteRequest(originator=originator(), gallery="criminal", subject_id=f"S{seed}")
    first, second = server.enrolment.Delete(request), server.enrolment.Delete(request)
    assert (first.repeated, second.repeated) == (False, True)
    assert list(second.encounter_ids) == [receipt.encounter_id]
    request.originator.CopyFrom(originator())
    assert refusal(lambda: server.enrolment.Delete(request))[0] is grpc.StatusCode.NOT_FOUND


def test_merged_and_split(server, enrolled):
    one, first = enrolled()
    two, _ = enrolled()
    merge = records_pb2.MergeRequest(
        originator=originator(), gallery="criminal", subject_id=f"S{one}", into_subject_id=f"S{two}"
    )
    assert list(server.records.Merge(merge).receipt.encounter_ids) == [first.encounter_id]
    assert found(server, one) == [f"S{two}"]
    split = records_pb2.SplitRequest(
        originator=originator(),
        gallery="criminal",
        encounter_ids=[first.encounter_id],
        into_subject_id=f"S{one}",
    )
    server.records.Split(split)
    assert found(server, one) == [f"S{one}"]
    assert found(server, two) == [f"S{two}"]
    merge.originator.CopyFrom(originator())
    merge.into_subject_id = merge.subject_id
    code, _, message = refusal(lambda: server.records.Merge(merge))
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert "into_subject_id" in message


def test_minutiae_of_a_capture_are_given_out_and_logged(launch):
    own = launch(extractor="mindtct")
    finger = press(grown(1), seed=1, rolled=True)
    sample = capture_pb2.FingerSample(position=2, image=capture_pb2.Image(data=encode_png(finger), ppi=500))
    request = enrolment_pb2.EnrolRequest(originator=originator(), gallery="criminal")
    request.capture.fingers.samples.append(sample)
    receipt = own.enrolment.Enrol(request)
    asked = records_pb2.GetMinutiaeRequest(
        originator=originator(), gallery="criminal", encounter_id=receipt.encounter_id
    )
    (view,) = read_template(own.records.GetMinutiae(asked).record)
    assert (int(view.position), len(view.minutiae) > 10) == (2, True)
    (line,) = [line for line in own.log_lines() if line["event"] == "get_minutiae"]
    assert (line["encounter"], line["ori"]) == (receipt.encounter_id, asked.originator.ori)


def test_minutiae_of_vectors_are_none_and_of_others_not_held(server, enrolled):
    _, receipt = enrolled()
    asked = records_pb2.GetMinutiaeRequest(
        originator=originator(), gallery="criminal", encounter_id=receipt.encounter_id
    )
    assert server.records.GetMinutiae(asked).record == b""
    asked.gallery = "immigration"
    assert refusal(lambda: server.records.GetMinutiae(asked))[0] is grpc.StatusCode.NOT_FOUND


def move(subject, gallery="criminal", into="immigration"):
    return records_pb2.MoveRequest(
        originator=originator(), gallery=gallery, subject_id=subject, into_gallery=into, reference="decision 3"
    )


def test_moving_between_galleries_is_refused_unless_configured(server, enrolled, launch):
    seed, _ = enrolled()
    code, _, message = refusal(lambda: server.records.Move(move(f"S{seed}")))
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert "into_gallery: does not accept moves from 'criminal'" in message
    assert found(server, seed) == [f"S{seed}"]
    open_to = launch(galleries='[{"name": "criminal"}, {"name": "immigration", "accepts_moves_from": ["criminal"]}]')
    model = open_to.gallery("criminal").model_version
    open_to.enrolment.Enrol(enrolment(1, model, "TCN0000001"))
    open_to.records.Move(move("S1"))
    assert search(open_to, 1, model) == []
    assert [open_to.gallery(name).encounters for name in ("criminal", "immigration")] == [0, 1]
    back = refusal(lambda: open_to.records.Move(move("S1", "immigration", "criminal")))
    assert back[0] is grpc.StatusCode.FAILED_PRECONDITION


def on_disk(folder: Path, needles):
    """Which of the byte strings lie in some file of a folder."""
    seen = set()
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            seen |= {needle for needle in needles if needle in content}
    return seen


def pieces(vectors):
    """A capture's vectors in byte strings that are nowhere else."""
    whole = vectors.tobytes()
    return {whole[start : start + 64] for start in range(0, len(whole), 64)}


def wait_until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def metric(server, name):
    import urllib.request

    text = urllib.request.urlopen(server.metrics_url).read().decode()
    return next(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name))


def test_expunged_it_is_gone_from_every_file_and_never_comes_back(launch, tmp_path):
    """Store, write-ahead log, snapshots; after a kill; and over an older copy of the database."""
    database = tmp_path / "records" / "tenprint.db"
    settings = {"database_url": f"sqlite:///{database}", "index_folder": str(tmp_path / "records" / "index")}
    server = launch(**settings, snapshot_interval_seconds="0.2")
    model = server.gallery("criminal").model_version
    for seed in (1, 2):
        server.enrolment.Enrol(enrolment(seed, model, f"TCN000000{seed}"))
    vectors = unit_vectors(np.random.default_rng(1), (10, 256))
    as_sent = pieces(vectors)
    as_searched = pieces(unit_slots(vectors.reshape(1, -1), 10, 256, "{}"))
    needles = as_sent | as_searched
    index = tmp_path / "records" / "index"
    wait_until(lambda: on_disk(index, needles) >= as_searched)
    assert len(on_disk(database.parent, as_sent)) > 100, "a few are cut by the edges of SQLite's pages"
    kill(server)
    old = {path.name: path.read_bytes() for path in database.parent.iterdir() if path.is_file()}
    server = launch(**settings, snapshot_interval_seconds="0.2")
    request = records_pb2.ExpungeRequest(originator=originator(), gallery="criminal", target=of_subject(1))
    answer = server.records.Expunge(request)
    assert len(answer.receipt.encounter_ids) == 1
    assert answer.erase_time.seconds > answer.receipt.change_time.seconds
    assert search(server, 1, model) == []
    assert server.records.Expunge(request).receipt.repeated
    wait_until(lambda: metric(server, "tenprint_oldest_unerased_seconds") == 0.0)
    assert on_disk(tmp_path / "records", needles) == set()
    kill(server)
    for name, content in old.items():  # somebody brings yesterday's database back
        (database.parent / name).write_bytes(content)
    for path in index.rglob("*"):
        if path.is_file() and path.name not in {"tombstones.jsonl", "lock"}:
            path.unlink()
    server = launch(**settings)
    assert server.gallery("criminal").encounters == 1
    assert search(server, 1, model) == []
    assert search(server, 2, model) == ["S2"]
    wait_until(lambda: metric(server, "tenprint_oldest_unerased_seconds") == 0.0)
    assert on_disk(tmp_path / "records", needles) == set()


def itl_with_retention(flag):
    """A transaction of a Type-1 and a Type-2 record alone: refused before anything else is looked at."""

    def record(number, *fields):
        body = "\x1d".join(f"{number}.{tag:03}:{value}" for tag, value in fields) + "\x1c"
        head = f"{number}.001:"
        length = len(head) + len(body) + 1
        while len(f"{head}{length}\x1d{body}") != length:
            length = len(f"{head}{length}\x1d{body}")
        return f"{head}{length}\x1d{body}"

    first = record(
        1, (2, "0500"), (3, "1\x1f1\x1e2\x1f00"), (4, "CAR"), (5, "20261124"), (7, "DAI000000"), (8, "ZZ0000000"),
        (9, "TCN0000000001"), (11, "19.69"), (12, "19.69"),
    )  # fmt: skip
    return (first + record(2, (2, "00"), (5, flag))).encode()


@pytest.mark.parametrize(("flag", "code"), [("N", "FAILED_PRECONDITION"), ("Y", "INVALID_ARGUMENT")])
def test_a_transaction_that_may_not_be_kept_is_not_enrolled(server, flag, code):
    whole = capture_pb2.Capture(transaction=capture_pb2.Transaction(data=itl_with_retention(flag)))
    request = enrolment_pb2.EnrolRequest(originator=originator(), gallery="criminal", capture=whole)
    before = server.gallery("criminal").encounters
    refused, _, message = refusal(lambda: server.enrolment.Enrol(request))
    assert refused.name == code
    assert ("2.005" in message) == (flag == "N"), message
    assert server.gallery("criminal").encounters == before


def test_a_search_keeps_nothing(launch, tmp_path):
    server = launch(database_url=f"sqlite:///{tmp_path}/r/tenprint.db", index_folder=f"{tmp_path}/r/index")
    model = server.gallery("criminal").model_version
    vectors = unit_vectors(np.random.default_rng(77), (10, 256))
    probe = fingers(*(embedding_sample(i + 1, vectors[i], model) for i in range(10)))
    server.identification.Identify(
        identification_pb2.IdentifyRequest(originator=originator(), galleries=["criminal"], probe=probe)
    )
    assert server.stop() == 0
    assert on_disk(tmp_path / "r", {vector.astype("<f4").tobytes() for vector in vectors}) == set()


def test_minutiae_are_kept_of_what_was_sent_as_images(launch, tmp_path):
    import sqlite3

    database = tmp_path / "m" / "tenprint.db"
    server = launch(database_url=f"sqlite:///{database}", index_folder=f"{tmp_path}/m/index", extractor="mindtct")
    finger = press(grown(1), seed=1, rolled=True)
    sample = capture_pb2.FingerSample(position=2, image=capture_pb2.Image(data=encode_png(finger), ppi=500))
    server.enrolment.Enrol(
        enrolment_pb2.EnrolRequest(originator=originator(), gallery="criminal", capture=fingers(sample))
    )
    server.enrolment.Enrol(
        enrolment_pb2.EnrolRequest(
            originator=originator(),
            gallery="criminal",
            capture=capture(4, server.gallery("criminal").model_version),
        )
    )
    assert server.stop() == 0
    with sqlite3.connect(database) as connection:
        (record,) = connection.execute("SELECT record FROM minutiae").fetchone()
        features = [row[0] for row in connection.execute("SELECT features FROM template ORDER BY length(features)")]
    connection.close()
    from tenprint.fingerprint.features import unpack_capture
    from tenprint.fingerprint.template import read_template

    (view,) = read_template(record)
    assert view.position == 2
    assert features[0] == b"", "of a vector nothing else is known"
    assert len(unpack_capture(features[1])[2]) == len(view.minutiae) >= 10
