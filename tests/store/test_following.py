"""Following the log: states, not steps; and nothing missed that commits late."""

import itertools
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text

from tenprint.store import Position, Store
from tests.store.conftest import enrol, request, target
from tests.store.test_store import GALLERIES, held, new

serials = itertools.count(1)


@pytest.fixture
def store(url):
    made = Store(url, GALLERIES)
    yield made
    made.close()


def follow(store, into, position, limit):
    """What a follower holds after it has read to the end."""
    end = store.latest()
    while position < end:  # what an autovacuum may precede is told a moment later
        changes = store.changes(position, limit)
        for gallery, rows in changes.put.items():
            into.update({(gallery, row.encounter_id): (row.subject_id, row.vector.tobytes()) for row in rows})
        for gallery, ids in changes.drop.items():
            for id_ in ids:
                into.pop((gallery, id_), None)
        position = changes.position
    return position


def searched(store):
    return {
        (gallery, id_): (row.subject_id, row.vector.tobytes())
        for gallery in ("criminal", "immigration")
        for id_, row in held(store, gallery).items()
    }


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["enrol", "delete", "seal", "unseal", "expunge", "merge", "move"]),
            st.integers(0, 3),
            st.integers(0, 3),
        ),
        max_size=12,
    ),
    limit=st.integers(1, 5),
    pause=st.integers(0, 12),
)
def test_a_follower_ends_with_what_is_searched_wherever_it_starts_and_pauses(store, steps, limit, pause):
    followed, position = {}, Position(0, 0)
    for number, (step, subject, other) in enumerate(steps):
        if number == pause:
            position = follow(store, followed, position, limit)
        serial = next(serials)  # the examples share a store, and its log may be told late
        asked = request(f"TCN{serial:08d}")
        subject_id, into = f"S{subject}", f"S{other}"
        try:
            match step:
                case "enrol":
                    gallery = ("criminal", "immigration")[other % 2]
                    enrol(store, new(f"ENR{serial:08d}", subject=subject_id, seed=number, gallery=gallery))
                case "seal" | "unseal":
                    store.records.seal("criminal", target(subject=subject_id), asked, sealed=step == "seal")
                case "merge":
                    store.records.merge("criminal", subject_id, into, asked)
                case "move":
                    store.records.move("criminal", subject_id, "immigration", asked)
                case _:
                    getattr(store.records, step)("criminal", target(subject=subject_id), asked)
        except Exception as error:  # noqa: BLE001 - refused changes are part of the game
            assert type(error).__name__ in {"NotStoredError", "RefusedChangeError"}, error  # noqa: PT017
    follow(store, followed, position, limit)
    assert followed == searched(store)
    again = {}
    follow(store, again, Position(0, 0), limit)
    follow(store, again, Position(0, 0), 1000)
    assert again == searched(store)


def test_a_row_that_commits_late_is_not_missed(store, url):
    """The trap of serial numbers: a transaction that took its number first and commits last."""
    if not url.startswith("postgresql"):
        pytest.skip("SQLite has one writer: numbers and commits are in one order")
    began, may_end = threading.Event(), threading.Event()

    def late():
        engine = create_engine(url)
        with engine.begin() as connection:
            connection.execute(
                text(
                    'INSERT INTO operation ("transaction", gallery, kind, encounter_id, at, ori, tcn) VALUES '
                    "(pg_current_xact_id()::text::bigint, 'criminal', 'enrol', 'late', now(), 'ZZ', 'late')"
                )
            )
            began.set()
            may_end.wait(20)
        engine.dispose()

    thread = threading.Thread(target=late)
    thread.start()
    began.wait(20)
    receipt = enrol(store, new("TCN0000001"))
    early = store.changes(Position(0, 0))
    assert early.operations == 0, "what an older transaction may still precede is not told yet"
    assert store.position() < receipt.position
    may_end.set()
    thread.join()
    changes = store.changes(early.position)
    assert changes.operations == 2
    assert changes.drop == {"criminal": ["late"]}
    assert changes.position == receipt.position == store.position()


def test_a_log_from_another_cluster_is_adopted(url):
    """Rows with transaction ids of another cluster's future would be invisible for ever."""
    if not url.startswith("postgresql"):
        pytest.skip("only PostgreSQL has transaction ids")
    store = Store(url, GALLERIES)
    enrol(store, new("TCN0000001"))
    before = store.database.store_id()
    with store.database.engine.begin() as connection:
        connection.execute(text('UPDATE operation SET "transaction" = 4000000000000'))
    assert store.changes(Position(0, 0)).operations == 0
    store.close()
    store = Store(url, GALLERIES)
    assert store.changes(Position(0, 0)).operations == 1
    assert store.database.store_id() != before, "snapshots of the other cluster's log are not this one's"
    store.close()
