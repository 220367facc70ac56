"""Backup, restore, verify, rebuild, and the change of models: the commands, as an operator runs them."""

import json
import shutil
import sqlite3
import uuid
from pathlib import Path

import grpc
import psycopg
import pytest
from typer.testing import CliRunner

import tenprint.fingerprint.embedding
from tenprint.client.cli import app
from tenprint.fingerprint.embedding import Embedder
from tenprint.fingerprint.synthetic import encode_png, press
from tenprint.v1 import capture_pb2, enrolment_pb2, identification_pb2, records_pb2
from tests.prints import grown
from tests.server.conftest import fingers, originator
from tests.server.test_durability import enrolment, kill, search
from tests.server.test_records import metric, wait_until
from tests.store.conftest import postgresql, url  # noqa: F401 - fixtures


def run(*arguments, database_url, index_folder, code=0):
    """A command of `tenprint`; what it says as JSON, a document a line, or its complaint where it is to fail."""
    environment = {"TENPRINT_DATABASE_URL": database_url, "TENPRINT_INDEX_FOLDER": str(index_folder)}
    ended = CliRunner().invoke(app, [*map(str, arguments)], env=environment)
    assert ended.exit_code == code, ended.output
    return [json.loads(line) for line in ended.stdout.splitlines()] if code == 0 and ended.stdout else ended.stderr


def answers(server, seeds, model):
    """What a search of each answers, to the last bit."""
    found = []
    for seed in seeds:
        request = identification_pb2.IdentifyRequest(
            originator=originator(), galleries=["criminal"], probe=enrolment(seed, model, "T").capture,
            score_threshold=-1, max_candidates=20,
        )  # fmt: skip
        candidates = server.identification.Identify(request).answers[0].candidates
        found.append([(item.subject_id, item.encounter_id, item.score) for item in candidates])
    return found


def test_backed_up_and_restored_it_answers_bit_for_bit_without_what_was_expunged(launch, url, tmp_path):  # noqa: F811
    here = {"database_url": url, "index_folder": str(tmp_path / "index")}
    server = launch(**here)
    model = server.gallery("criminal").model_version
    for seed in range(12):
        server.enrolment.Enrol(enrolment(seed, model, f"TCN{seed:07d}"))
    (made,) = run("backup", tmp_path / "backup", "--json", **here)
    assert (made["encounters"], made["probes"]) == ({"criminal": 12, "immigration": 0}, 12)
    target = records_pb2.RecordTarget(subject_id="S4")
    server.records.Expunge(records_pb2.ExpungeRequest(originator=originator(), gallery="criminal", target=target))
    server.enrolment.Enrol(enrolment(50, model, "TCN0000050"))
    kept = [seed for seed in range(12) if seed != 4]
    expected = answers(server, kept, model)
    kill(server)
    there = {"database_url": f"sqlite:///{tmp_path}/restored/tenprint.db", "index_folder": here["index_folder"]}
    (restored,) = run("restore", tmp_path / "backup", "--json", **there)
    assert restored == {
        "store_id": made["store_id"],
        "encounters": {"criminal": 11, "immigration": 0},
        "probes": 11,
        "expunged": 1,
    }
    again = launch(**there)
    assert again.gallery("criminal").encounters == 11
    assert search(again, 4, model) == []
    without = [[item for item in answer if item[0] != "S50"] for answer in expected]
    assert [answer[: len(other)] for answer, other in zip(answers(again, kept, model), without, strict=True)] == without
    assert again.enrolment.Enrol(enrolment(3, model, "TCN0000003")).repeated, "receipts are restored, too"
    receipt = again.enrolment.Enrol(enrolment(60, model, "TCN0000060"))
    assert search(again, 60, model, min_position=receipt.position) == ["S60"]
    there["index_folder"] = str(tmp_path / "third")
    assert "holds galleries already" in run("restore", tmp_path / "backup", code=1, **there)


def test_restored_into_postgresql(launch, postgresql, tmp_path):  # noqa: F811
    here = {"database_url": f"sqlite:///{tmp_path}/tenprint.db", "index_folder": str(tmp_path / "index")}
    server = launch(**here)
    model = server.gallery("criminal").model_version
    for seed in range(3):
        server.enrolment.Enrol(enrolment(seed, model, f"TCN{seed:07d}"))
    assert server.stop() == 0
    run("backup", tmp_path / "backup", "--json", **here)
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(host=str(postgresql), user="tenprint", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    there = {
        "database_url": f"postgresql+psycopg://tenprint@/{name}?host={postgresql}",
        "index_folder": str(tmp_path / "other"),
    }
    run("restore", tmp_path / "backup", "--json", **there)
    again = launch(**there)
    assert search(again, 2, model) == ["S2"]
    receipt = again.enrolment.Enrol(enrolment(9, model, "TCN0000009"))
    assert search(again, 9, model, min_position=receipt.position) == ["S9"]


def test_a_damaged_backup_is_refused(launch, tmp_path):
    here = {"database_url": f"sqlite:///{tmp_path}/tenprint.db", "index_folder": str(tmp_path / "index")}
    server = launch(**here)
    server.enrolment.Enrol(enrolment(1, server.gallery("criminal").model_version, "TCN0000001"))
    run("backup", tmp_path / "backup", "--json", **here)
    assert "not empty" in run("backup", tmp_path / "backup", code=1, **here)
    there = {"database_url": f"sqlite:///{tmp_path}/restored.db", "index_folder": str(tmp_path / "other")}
    record = tmp_path / "backup" / "backup.json"
    whole = record.read_text()
    content = json.loads(whole)
    (probe,) = content["answers"]["criminal"]
    content["answers"]["criminal"][probe][0][2] = (0.5).hex()
    record.write_text(json.dumps(content))
    assert "does not answer as the original did" in run("restore", tmp_path / "backup", code=1, **there)
    record.write_text(whole)
    database = tmp_path / "backup" / "tenprint.db"
    database.write_bytes(database.read_bytes()[:-1] + b"x")
    there["database_url"] = f"sqlite:///{tmp_path}/restored2.db"
    assert "checksum" in run("restore", tmp_path / "backup", code=1, **there)


def test_verify_and_rebuild_index(launch, tmp_path):
    here = {"database_url": f"sqlite:///{tmp_path}/tenprint.db", "index_folder": str(tmp_path / "index")}
    server = launch(**here)
    model = server.gallery("criminal").model_version
    for seed in range(3):
        server.enrolment.Enrol(enrolment(seed, model, f"TCN{seed:07d}"))
    assert "in use" in run("verify", code=1, **here), "beside a running server it would see half a story"
    assert server.stop() == 0
    criminal, immigration = run("verify", "--json", **here)
    assert (criminal["gallery"], criminal["encounters"], criminal["from_snapshot"], criminal["sound"]) == (
        "criminal", 3, True, True,
    )  # fmt: skip
    assert immigration["sound"]
    with sqlite3.connect(tmp_path / "tenprint.db") as connection:  # a change behind the log's back
        connection.execute("UPDATE encounter SET subject_id = 'S1' WHERE subject_id = 'S2'")
        connection.execute("DELETE FROM template WHERE encounter_id IN "
                           "(SELECT encounter_id FROM encounter WHERE subject_id = 'S0')")  # fmt: skip
    connection.close()
    assert run("verify", code=1, **here) == ""
    (made,) = run("rebuild-index", "--json", **here)
    assert made == {"encounters": {"criminal": 2, "immigration": 0}}
    criminal, _ = run("verify", "--json", **here)
    assert (criminal["encounters"], criminal["sound"], criminal["from_snapshot"]) == (2, True, True)


@pytest.fixture
def other_model(tmp_path):
    """The shipped model under another name: what it finds is known."""
    folder = tmp_path / "model"
    folder.mkdir()
    shipped = Path(tenprint.fingerprint.embedding.__file__).parent / "models"
    for name in ("finger.onnx", "finger.json", "descriptor_axes.npy", "reranking.json"):
        shutil.copy(shipped / name, folder / name)
    card = json.loads((folder / "finger.json").read_text())
    key = next(key for key, value in card.items() if value == Embedder().version)
    card[key] = "other-1"
    (folder / "finger.json").write_text(json.dumps(card))
    return folder


def image(person, seed):
    """A person's right index finger."""
    data = encode_png(press(grown(person + 1), seed=seed, rolled=True))
    return fingers(capture_pb2.FingerSample(position=2, image=capture_pb2.Image(data=data, ppi=500)))


def test_a_change_of_models_is_built_compared_swapped_and_rolled_back(launch, tmp_path, other_model):
    here = {"database_url": f"sqlite:///{tmp_path}/tenprint.db", "index_folder": str(tmp_path / "index")}
    server = launch(**here, extractor="mindtct")
    shipped = server.gallery("criminal").model_version

    def enrol(running, person, seed):
        request = enrolment_pb2.EnrolRequest(
            originator=originator(),
            gallery="criminal",
            subject_id=f"P{person}",
            capture=image(person, seed),
        )
        return running.enrolment.Enrol(request)

    for person in range(3):
        enrol(server, person, 1)
    enrol(server, 0, 2)
    (built,) = run("reembed", "build", "--gallery", "criminal", "--model", other_model, "--json", **here)
    assert (built["epoch"], built["embedded"], built["without_minutiae"]) == (2, 4, 0)
    enrol(server, 1, 2)  # the server goes on with its own model
    swap = ("reembed", "swap", "--gallery", "criminal", "--model", other_model)
    assert "has no vector of 1 encounters" in run(*swap, code=1, **here)
    (more,) = run("reembed", "build", "--gallery", "criminal", "--model", other_model, "--json", **here)
    assert more["embedded"] == 1
    (compared,) = run("reembed", "compare", "--gallery", "criminal", "--model", other_model, "--json", **here)
    assert (compared["mated"], compared["non_mated"]) == (2, 1)
    assert compared["live"] == compared["new"] == {"mates": 2, "strangers": compared["new"]["strangers"]}
    run(*swap, "--json", **here)
    empty = ("--gallery", "immigration", "--model", other_model, "--json")
    assert "has not been built" in run("reembed", "swap", *empty, code=1, **here)
    run("reembed", "build", *empty, **here)
    run("reembed", "swap", *empty, **here)
    refused = None
    try:
        enrol(server, 5, 1)
    except Exception as error:  # noqa: BLE001 - looked at below
        refused = str(error)
    assert refused is not None
    assert "restart it with that model" in refused
    kill(server)
    with pytest.raises(AssertionError, match="holds vectors of model 'other-1'"):
        launch(**here)
    renewed = launch(**here, model_path=str(other_model), extractor="mindtct")
    assert renewed.gallery("criminal").model_version == "other-1"
    assert renewed.gallery("criminal").encounters == 5
    probe = identification_pb2.IdentifyRequest(originator=originator(), galleries=["criminal"], probe=image(2, 7))
    first = renewed.identification.Identify(probe).answers[0]
    assert first.candidates[0].subject_id == "P2"
    enrol(renewed, 6, 1)
    kill(renewed)
    back = ("--gallery", "criminal", "--json")
    (older,) = run("reembed", "build", *back, **here)
    assert (older["epoch"], older["embedded"]) == (1, 1), "only what was enrolled since is missing in the older epoch"
    run("reembed", "swap", *back, **here)
    run("reembed", "swap", "--gallery", "immigration", "--json", **here)
    run("reembed", "forget", "--gallery", "criminal", "--model", other_model, **here)
    server = launch(**here, extractor="mindtct")
    assert server.gallery("criminal").model_version == shipped
    assert server.gallery("criminal").encounters == 6
    again = server.identification.Identify(probe).answers[0]
    assert again.candidates[0].subject_id == "P2"
    # The same weights; the other epoch was made of the minutiae that are kept, which are rounded to pixels.
    assert again.candidates[0].score == pytest.approx(first.candidates[0].score, abs=0.02)


def test_what_was_enrolled_as_vectors_cannot_change_models(launch, tmp_path, other_model):
    here = {"database_url": f"sqlite:///{tmp_path}/tenprint.db", "index_folder": str(tmp_path / "index")}
    server = launch(**here)
    server.enrolment.Enrol(enrolment(1, server.gallery("criminal").model_version, "TCN0000001"))
    (built,) = run("reembed", "build", "--gallery", "criminal", "--model", other_model, "--json", **here)
    assert (built["embedded"], built["without_minutiae"]) == (0, 1)
    swap = ("reembed", "swap", "--gallery", "criminal", "--model", other_model)
    assert run(*swap, code=1, **here)
    assert search(server, 1, server.gallery("criminal").model_version) == ["S1"]
    assert metric(server, "tenprint_lag_operations") == 0
    wait_until(lambda: metric(server, 'tenprint_gallery_encounters{gallery="criminal"}') == 1)


def test_a_repetition_is_answered_also_by_a_server_of_another_model(launch, tmp_path, other_model):
    """Its vectors would be refused today; the receipt was given when they were not."""
    here = {"database_url": f"sqlite:///{tmp_path}/tenprint.db", "index_folder": str(tmp_path / "index")}
    server = launch(**here)
    request = enrolment(1, server.gallery("criminal").model_version, "TCN0000001")
    first = server.enrolment.Enrol(request)
    server.enrolment.Delete(
        enrolment_pb2.DeleteRequest(originator=originator(), gallery="criminal", encounter_id=first.encounter_id)
    )
    kill(server)
    for gallery in ("criminal", "immigration"):
        run("reembed", "build", "--gallery", gallery, "--model", other_model, "--json", **here)
        run("reembed", "swap", "--gallery", gallery, "--model", other_model, "--json", **here)
    renewed = launch(**here, model_path=str(other_model))
    again = renewed.enrolment.Enrol(request)
    assert (again.encounter_id, again.repeated) == (first.encounter_id, True)
    request.originator.tcn = "TCN0000002"
    with pytest.raises(grpc.RpcError, match="other-1"):
        renewed.enrolment.Enrol(request)
