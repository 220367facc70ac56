"""The life of a record: sealed, expunged, merged, split, moved; every step logged, every repetition known."""

import pytest
from sqlalchemy import text

from tenprint.store import (
    GallerySpec,
    Kind,
    NotStoredError,
    RefusedChangeError,
    Store,
    TransactionTakenError,
)
from tests.store.conftest import enrol, request, target
from tests.store.test_store import GALLERIES, D, held, new


@pytest.fixture
def store(url):
    made = Store(url, GALLERIES)
    yield made
    made.close()


def filed(store, subject, gallery="criminal"):
    return [item.encounter_id for item in store.encounters(gallery, subject)]


def test_sealed_is_searched_no_longer_and_kept(store):
    one, two = (enrol(store, new(f"TCN{i:07d}", subject="S1")) for i in range(2))
    sealed = store.records.seal(
        "criminal", target(subject="S1"), request("TCN-SEAL01", reference="order 7"), sealed=True
    )
    assert len(sealed.encounter_ids) == 2
    assert held(store) == {}
    assert [item.sealed for item in store.encounters("criminal", "S1")] == [True, True]
    back = target(encounter=one.encounter.encounter_id)
    store.records.seal("criminal", back, request("TCN-UNSEAL"), sealed=False)
    assert list(held(store)) == [one.encounter.encounter_id]
    history = store.history("criminal", subject_id=None, encounter_id=one.encounter.encounter_id)
    assert [(row.kind, row.reference) for row in history] == [("enrol", ""), ("seal", "order 7"), ("unseal", "")]
    twice = store.records.seal("criminal", target(subject="S1"), request("TCN-SEAL02"), sealed=True)
    assert set(twice.encounter_ids) == {item.encounter.encounter_id for item in (one, two)}
    logged = store.history("criminal", subject_id="S1", encounter_id=None)
    assert sum(row.kind is Kind.SEAL for row in logged) == 3, "only what was not sealed is logged as sealed"


def test_a_change_is_made_once_a_transaction(store):
    enrol(store, new("TCN0000001"))
    first = store.records.seal("criminal", target(subject="S1"), request("TCN-SEAL01"), sealed=True)
    again = store.records.seal("criminal", target(subject="S1"), request("TCN-SEAL01"), sealed=True)
    assert (again.repeated, again.position, again.at) == (True, first.position, first.at)
    with pytest.raises(TransactionTakenError):
        store.records.seal("criminal", target(subject="S1"), request("TCN-SEAL01"), sealed=False)
    with pytest.raises(TransactionTakenError):
        store.records.seal("criminal", target(subject="S1"), request("TCN-SEAL01", digest="other"), sealed=True)


def test_expunged_leaves_a_tombstone_and_nothing_else(store):
    item = new("TCN0000001", fingers=tuple(range(1, 11)), minutiae=b"M" * 99, features=b"F" * 99)
    first = enrol(store, item).encounter.encounter_id
    store.records.expunge("criminal", target(subject="S1"), request("TCN-EXPUNGE"))
    assert held(store) == {}
    with pytest.raises(NotStoredError):
        store.encounters("criminal", "S1")
    (tombstone,) = store.erasure.pending()
    assert (tombstone.encounter_id, tombstone.originator.tcn) == (first, "TCN-EXPUNGE")
    assert store.erasure.oldest_pending() == tombstone.at
    store.database.scrub()
    store.erasure.done([first])
    assert (store.erasure.pending(), store.erasure.oldest_pending()) == ([], None)
    assert store.erasure.tombstones() == [tombstone]
    with store.database.engine.connect() as connection:
        for table in ("template", "minutiae", "encounter", "subject"):
            assert connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one() == 0  # noqa: S608
    repeated = enrol(store, new("TCN0000001"))
    assert (repeated.repeated, repeated.reports) == (True, []), (
        "the key stays taken; what was told of the prints is gone"
    )
    assert held(store) == {}


def test_a_tombstone_is_replayed_over_a_store_that_has_the_record_again(store):
    first = enrol(store, new("TCN0000001", subject="S1")).encounter.encounter_id
    other = enrol(store, new("TCN0000002", subject="S2")).encounter.encounter_id
    store.records.expunge("criminal", target(subject="S1"), request("TCN-EXPUNGE"))
    tombstones = store.erasure.tombstones()
    with store.database.engine.begin() as connection:  # what an older copy of the database would hold
        connection.execute(text("DELETE FROM expunction"))
        connection.execute(text("INSERT INTO subject VALUES ('criminal', 'S1')"))
        connection.execute(
            text(
                "INSERT INTO encounter SELECT :first, gallery, 'S1', 1, enrolled_at, ori, tcn, sealed FROM encounter "
                "WHERE encounter_id = :other"
            ),
            {"first": first, "other": other},
        )
        connection.execute(
            text(
                "INSERT INTO template (encounter_id, epoch, fingers, vector, features) "
                "SELECT :first, epoch, fingers, vector, features FROM template "
                "WHERE encounter_id = :other"
            ),
            {"first": first, "other": other},
        )
    assert first in held(store)
    before = store.latest()
    assert store.erasure.replay(tombstones) == [first]
    assert list(held(store)) == [other]
    assert store.changes(before).drop == {"criminal": [first]}
    assert store.erasure.pending() == tombstones
    assert store.erasure.replay(tombstones) == []


def test_merged_and_split_again_with_both_ways_recorded(store):
    one, two = (enrol(store, new(f"TCN{i:07d}", subject=f"S{i}")).encounter.encounter_id for i in (1, 2))
    store.records.merge("criminal", "S1", "S2", request("TCN-MERGE1", reference="case 12"))
    assert filed(store, "S2") == [one, two]
    with pytest.raises(NotStoredError):
        store.encounters("criminal", "S1")
    assert {row.subject_id for row in held(store).values()} == {"S2"}
    store.records.split("criminal", [one], "S1", request("TCN-SPLIT1"))
    assert (filed(store, "S1"), filed(store, "S2")) == ([one], [two])
    ways = [
        (row.kind, row.previous_subject_id, row.subject_id, row.reference)
        for row in store.history("criminal", subject_id="S1", encounter_id=None)
        if row.encounter_id == one
    ]
    assert ways == [("enrol", "", "S1", ""), ("merge", "S1", "S2", "case 12"), ("split", "S2", "S1", "")]


def test_merging_and_splitting_what_makes_no_sense_is_refused(store):
    one, two = (enrol(store, new(f"TCN{i:07d}", subject=f"S{i}")).encounter.encounter_id for i in (1, 2))
    for call, error, match in (
        (lambda: store.records.merge("criminal", "S1", "S1", request("TCN-BAD0001")), RefusedChangeError, "itself"),
        (lambda: store.records.merge("criminal", "S1", "S9", request("TCN-BAD0002")), NotStoredError, "S9"),
        (lambda: store.records.split("criminal", [one, two], "S3", request("TCN-BAD0003")), RefusedChangeError, "one"),
        (lambda: store.records.split("criminal", [one], "S1", request("TCN-BAD0004")), RefusedChangeError, "itself"),
        (lambda: store.records.split("criminal", ["E9"], "S1", request("TCN-BAD0005")), NotStoredError, "E9"),
    ):
        with pytest.raises(error, match=match):
            call()
    assert (filed(store, "S1"), filed(store, "S2")) == ([one], [two])


def test_moved_it_is_in_the_other_gallery_and_followers_of_both_hear_of_it(store):
    one = enrol(store, new("TCN0000001", subject="S1")).encounter.encounter_id
    before = store.latest()
    store.records.move("criminal", "S1", "immigration", request("TCN-MOVE01"))
    assert held(store) == {}
    assert list(held(store, "immigration")) == [one]
    changes = store.changes(before)
    assert changes.drop == {"criminal": [one]}
    assert [row.encounter_id for row in changes.put["immigration"]] == [one]
    for gallery in ("criminal", "immigration"):
        told = store.history(gallery, subject_id=None, encounter_id=one)
        assert [(row.kind, row.gallery) for row in told] == [
            ("enrol", "criminal"),
            ("move", "criminal"),
            ("move", "immigration"),
        ]


def test_moving_between_models_is_refused(url):
    store = Store(url, (GALLERIES[0], GallerySpec("immigration", "2", D)))
    enrol(store, new("TCN0000001", subject="S1"))
    with pytest.raises(RefusedChangeError, match="model '2'"):
        store.records.move("criminal", "S1", "immigration", request("TCN-MOVE01"))
    store.close()
