"""The store of record, on SQLite and on PostgreSQL."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime

import numpy as np
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from tenprint.store import (
    Encounter,
    GalleryModelError,
    GallerySpec,
    NewEncounter,
    NotStoredError,
    Originator,
    Position,
    Store,
    StoreUnavailableError,
    TransactionTakenError,
)
from tenprint.store.schema import metadata
from tests.store.conftest import enrol, request, target

D = 4
GALLERIES = (GallerySpec("criminal", "1", D), GallerySpec("immigration", "1", D))
REPORTS = [{"position": 2, "status": "used"}]


@pytest.fixture
def store(url):
    made = Store(url, GALLERIES)
    yield made
    made.close()


def new(tcn, *, subject="S1", fingers=(1, 2, 10), digest="d", gallery="criminal", seed=0, features=b"", minutiae=b""):
    vector = np.zeros((10, D), dtype=np.float32)
    vector[[finger - 1 for finger in fingers]] = np.random.default_rng(seed).standard_normal((len(fingers), D))
    encounter = Encounter(str(uuid.uuid4()), subject, datetime.now(UTC), fingers, Originator("ZZSTORE00", tcn))
    return NewEncounter(gallery, encounter, vector.reshape(-1), digest, REPORTS, features, minutiae)


def held(store, gallery="criminal"):
    return {row.encounter_id: row for rows in store.vectors(gallery) for row in rows}


def test_what_is_enrolled_comes_back_to_the_bit_after_reopening(store, url):
    given = [new(f"TCN{i:07d}", subject=f"S{i % 3}", fingers=tuple(range(1, 2 + i)), seed=i) for i in range(10)]
    receipts = [enrol(store, item) for item in given]
    store.close()
    again = Store(url, GALLERIES)
    found = held(again)
    assert list(found) == [item.encounter.encounter_id for item in given], "in the order of enrolment"
    for item in given:
        row = found[item.encounter.encounter_id]
        assert row.subject_id == item.encounter.subject_id
        assert row.vector.tobytes() == item.vector.tobytes()
    assert again.encounters("criminal", "S0") == [item.encounter for item in given if item.encounter.subject_id == "S0"]
    assert again.position() == receipts[-1].position
    assert held(again, "immigration") == {}
    again.close()


def test_positions_rise(store):
    positions = [enrol(store, new(f"TCN{i:07d}")).position for i in range(5)]
    assert positions == sorted(set(positions))
    assert [Position.parse(str(position)) for position in positions] == positions
    with pytest.raises(ValueError, match="position"):
        Position.parse("yesterday")


def test_a_repetition_gets_the_first_receipt(store):
    first = enrol(store, new("TCN0000001"))
    again = enrol(store, new("TCN0000001"))
    assert (again.encounter, again.position, again.reports) == (first.encounter, first.position, REPORTS)
    assert (first.repeated, again.repeated) == (False, True)
    assert len(held(store)) == 1


def test_other_content_under_the_same_key_is_refused_with_the_first_digest(store):
    enrol(store, new("TCN0000001", digest="first"))
    with pytest.raises(TransactionTakenError) as caught:
        enrol(store, new("TCN0000001", digest="second"))
    assert caught.value.digest == "first"
    assert len(held(store)) == 1


def test_many_at_once_under_few_keys_enrol_once_a_key(store):
    def one(i):
        return enrol(store, new(f"TCN{i % 10:07d}", subject=f"S{i % 3}"))

    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(one, range(80)))
    assert len(held(store)) == 10
    assert sum(not receipt.repeated for receipt in receipts) == 10
    assert len({receipt.encounter.encounter_id for receipt in receipts}) == 10


def test_one_transaction_enrols_many_and_tells_repetitions_and_misuse_apart(store):
    enrol(store, new("TCN0000001", digest="first"))
    items = [
        new("TCN0000002"),
        new("TCN0000001", digest="first"),
        new("TCN0000001", digest="other"),
        new("TCN0000002"),
        new("TCN0000003"),
    ]
    answers = store.enrol(items)
    assert [getattr(answer, "repeated", None) for answer in answers] == [False, True, None, True, False]
    assert isinstance(answers[2], TransactionTakenError)
    assert answers[3].encounter == answers[0].encounter
    assert len(held(store)) == 3
    assert store.enrol([]) == []


def test_deleting_erases_and_is_logged(store):
    one, two = (enrol(store, new(f"TCN{i:07d}", subject="S1")) for i in range(2))
    first = one.encounter.encounter_id
    receipt = store.records.delete("criminal", target(encounter=first), request("TCN-DELETE1"))
    assert receipt.encounter_ids == (first,)
    assert receipt.position > two.position
    assert list(held(store)) == [two.encounter.encounter_id]
    again = store.records.delete("criminal", target(encounter=first), request("TCN-DELETE1"))
    assert (again.repeated, again.encounter_ids, again.position) == (True, receipt.encounter_ids, receipt.position)
    with pytest.raises(NotStoredError, match="encounter"):
        store.records.delete("criminal", target(encounter=first), request("TCN-DELETE2"))
    with pytest.raises(NotStoredError, match="encounter"):
        store.records.delete("immigration", target(encounter=two.encounter.encounter_id), request("TCN-DELETE3"))
    ids = store.records.delete("criminal", target(subject="S1"), request("TCN-DELETE4")).encounter_ids
    assert ids == (two.encounter.encounter_id,)
    with pytest.raises(NotStoredError, match="S1"):
        store.encounters("criminal", "S1")
    with pytest.raises(NotStoredError, match="S1"):
        store.records.delete("criminal", target(subject="S1"), request("TCN-DELETE5"))
    assert enrol(store, new("TCN0000000")).repeated, "the receipt stays: a late retry must not enrol again"
    told = [(row.kind, row.encounter_id) for row in store.history("criminal", subject_id="S1", encounter_id=None)]
    both = [first, two.encounter.encounter_id]
    assert told == [("enrol", id_) for id_ in both] + [("delete", id_) for id_ in both]


def test_an_erased_vector_is_not_in_the_sqlite_file(tmp_path):
    url = f"sqlite:///{tmp_path}/tenprint.db"
    store = Store(url, GALLERIES)
    item = new("TCN0000001", fingers=tuple(range(1, 11)))
    enrol(store, item)
    needle = item.vector.tobytes()[:64]

    def on_disk():
        return any(needle in path.read_bytes() for path in tmp_path.iterdir())

    assert on_disk()
    store.records.delete("criminal", target(subject="S1"), request("TCN-DELETE1"))
    store.database.scrub()
    assert not on_disk()


def test_a_gallery_of_another_model_is_refused(store, url):
    store.close()
    with pytest.raises(GalleryModelError, match="'criminal' holds vectors of model '1'"):
        Store(url, (GallerySpec("criminal", "2", D),))


def test_the_revisions_make_the_schema_the_code_believes_in(url):
    Store(url, GALLERIES).close()
    engine = create_engine(url)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    engine.dispose()


def test_with_every_connection_in_use_it_says_so(store, monkeypatch):
    monkeypatch.setattr(store.database.engine.pool, "_timeout", 0.1)
    with ExitStack() as held_open:
        for _ in range(store.database.engine.pool.size()):
            held_open.enter_context(store.database.engine.connect())
        with pytest.raises(StoreUnavailableError, match="connection"):
            store.latest()
    assert store.latest() == Position(0, 0)
