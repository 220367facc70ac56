"""Starting: from snapshots and the log after them; from the store where snapshots are damaged; not at all where it must
not; and going on where a disk is full."""

import os
import shutil
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime

import grpc
import numpy as np
import pytest

from tenprint.server.ledger import Ledger, LedgerError
from tenprint.server.recovery import IndexFolder, IndexFolderError, SnapshotAheadError, catch_up, record, recover
from tenprint.store import Encounter, GallerySpec, NewEncounter, Originator, Store, Tombstone
from tests.server.conftest import unit_vectors
from tests.server.test_durability import enrolment, kill, search
from tests.server.test_records import metric, wait_until

D = 8
SPEC = GallerySpec("criminal", "1", D)


@pytest.fixture
def store(tmp_path):
    made = Store(f"sqlite:///{tmp_path}/tenprint.db", [SPEC])
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path):
    made = IndexFolder(tmp_path / "index")
    yield made
    made.close()


def enrol(store, count, start=0):
    """Encounters of all ten fingers, and every fifth of three."""
    new = []
    for number in range(start, start + count):
        vector = unit_vectors(np.random.default_rng(number), (10, D))
        fingers = (1, 2, 10) if number % 5 == 0 else tuple(range(1, 11))
        vector[[finger - 1 for finger in range(1, 11) if finger not in fingers]] = 0
        by = Originator("ZZRECOVER", f"TCN{number:07d}")
        encounter = Encounter(str(uuid.UUID(int=number)), f"S{number % 7}", datetime.now(UTC), fingers, by)
        new.append(NewEncounter("criminal", encounter, vector.reshape(-1), "d", []))
    store.enrol(new)


def holds(gallery):
    return {item.encounter_id: (item.subject_id, item.vector.tobytes()) for item in gallery.records()}


def follow(store, folder):
    """Start once; the gallery, caught up, and what the start said."""
    recovered = recover(store, folder, SPEC)
    _, replayed = catch_up(store, {"criminal": recovered.gallery}, recovered.position)
    return recovered, replayed


def truth(store):
    """What a gallery made from the store alone holds."""
    from tenprint.index import Gallery

    gallery = Gallery("criminal", dimension=D, model_version="1")
    for rows in store.vectors("criminal"):
        gallery.apply([record(row) for row in rows])
    return holds(gallery)


@pytest.fixture
def snapshots(store, folder):
    """Two snapshots, and operations after the newer one."""
    enrol(store, 20)
    recovered, _ = follow(store, folder)
    recovered.gallery.snapshot(recovered.folder, store.origin("criminal"))
    enrol(store, 20, start=20)
    catch_up(store, {"criminal": recovered.gallery}, recovered.position)
    recovered.gallery.snapshot(recovered.folder, store.origin("criminal"))
    enrol(store, 5, start=40)
    return recovered.folder.path


def newest(path, suffix):
    return max(path.glob(f"*{suffix}"), key=lambda item: item.name if suffix == ".json" else item.stat().st_size)


def flip(path):
    content = bytearray(path.read_bytes())
    # Of a segment the first byte of its vectors: what fills up its pages has no checksum, and needs none.
    content[4096 if path.suffix == ".segment" else len(content) // 2] ^= 4
    path.write_bytes(content)


def truncate(path):
    path.write_bytes(path.read_bytes()[:-7])


@pytest.mark.usefixtures("snapshots")
def test_a_start_takes_the_snapshot_and_replays_what_came_after(store, folder):
    recovered, replayed = follow(store, folder)
    assert (recovered.from_snapshot, recovered.refused, replayed) == (True, (), 5)
    assert holds(recovered.gallery) == truth(store)


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda path: flip(newest(path, ".segment")), ".segment"),
        (lambda path: truncate(newest(path, ".segment")), ".segment"),
        (lambda path: newest(path, ".segment").unlink(), ".segment"),
        (lambda path: flip(newest(path, ".json")), "manifest"),
        (lambda path: truncate(newest(path, ".json")), "manifest"),
        (lambda path: newest(path, ".json").write_bytes(min(path.glob("*.json")).read_bytes()), "manifest"),
        (
            lambda path: [shutil.copy(newest(path, ".segment"), item) for item in path.glob("*.segment")
                          if item != newest(path, ".segment")],
            ".segment",
        ),
    ],
    ids=["flipped bit", "truncated", "missing", "manifest flipped", "manifest truncated", "swapped", "newer segments"],
)  # fmt: skip
def test_a_damaged_snapshot_is_refused_by_name_and_the_gallery_is_whole(store, folder, snapshots, damage, named):
    damage(snapshots)
    recovered, _ = follow(store, folder)
    assert recovered.refused, "nothing was noticed"
    assert all(named in fault.file for fault in recovered.refused)
    assert holds(recovered.gallery) == truth(store)
    recovered.gallery.snapshot(recovered.folder, store.origin("criminal"))
    again, _ = follow(store, folder)
    assert (again.from_snapshot, holds(again.gallery)) == (True, truth(store))


def test_with_every_snapshot_damaged_the_store_is_enough(store, folder, snapshots):
    for path in snapshots.glob("*.json"):
        flip(path)
    recovered, replayed = follow(store, folder)
    assert (recovered.from_snapshot, len(recovered.refused), replayed) == (False, 2, 0)
    assert holds(recovered.gallery) == truth(store)


def test_without_the_folder_the_store_is_enough(store, folder, snapshots):
    shutil.rmtree(snapshots)
    recovered, _ = follow(store, folder)
    assert (recovered.from_snapshot, recovered.refused) == (False, ())
    assert holds(recovered.gallery) == truth(store)


@pytest.mark.usefixtures("snapshots")
def test_a_snapshot_of_another_store_is_not_taken(folder, tmp_path):
    other = Store(f"sqlite:///{tmp_path}/other.db", [SPEC])
    recovered = recover(other, folder, SPEC)
    assert (recovered.from_snapshot, recovered.gallery.size) == (False, 0)
    assert all("another" in fault.problem for fault in recovered.refused)
    other.close()


def test_a_snapshot_ahead_of_the_store_is_refused_with_the_reason(folder, tmp_path):
    url = f"sqlite:///{tmp_path}/tenprint.db"
    store = Store(url, [SPEC])
    enrol(store, 3)
    store.database.scrub()
    older = (tmp_path / "tenprint.db").read_bytes()
    enrol(store, 3, start=3)
    recovered, _ = follow(store, folder)
    recovered.gallery.snapshot(recovered.folder, store.origin("criminal"))
    store.close()
    (tmp_path / "tenprint.db").write_bytes(older)
    store = Store(url, [SPEC])
    with pytest.raises(SnapshotAheadError, match="older copy"):
        recover(store, folder, SPEC)
    store.close()


def test_two_processes_do_not_share_a_folder(folder):
    with pytest.raises(IndexFolderError, match="in use"):
        IndexFolder(folder.path)


def tombstone(number):
    by = Originator("ZZLEDGER0", f"TCN{number:07d}")
    return Tombstone(f"E{number}", "criminal", datetime(2026, 11, 24, 10, number % 60, tzinfo=UTC), by)


def test_the_ledger_keeps_each_tombstone_once_and_survives_a_cut_line(tmp_path):
    ledger = Ledger(tmp_path / "tombstones.jsonl")
    assert ledger.tombstones() == []
    ledger.add([tombstone(1), tombstone(2)])
    ledger.add([tombstone(2), tombstone(3)])
    assert ledger.tombstones() == [tombstone(number) for number in (1, 2, 3)]
    whole = ledger.path.read_bytes()
    ledger.path.write_bytes(whole[:-9])  # a crash in the middle of the last line
    assert ledger.tombstones() == [tombstone(1), tombstone(2)]
    ledger.add([tombstone(3)])
    assert ledger.path.read_bytes() == whole


def test_many_writers_lose_no_tombstone(tmp_path):
    ledger = Ledger(tmp_path / "tombstones.jsonl")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: ledger.add([tombstone(number)]), range(40)))
    assert sorted(item.encounter_id for item in ledger.tombstones()) == sorted(f"E{number}" for number in range(40))


def test_a_damaged_ledger_stops_the_start(tmp_path):
    ledger = Ledger(tmp_path / "tombstones.jsonl")
    ledger.add([tombstone(1), tombstone(2)])
    ledger.path.write_bytes(ledger.path.read_bytes().replace(b'"encounter"', b'"encounner"', 1))
    with pytest.raises(LedgerError, match="damaged"):
        ledger.tombstones()


def test_the_server_says_why_it_does_not_start(tmp_path):
    index = tmp_path / "index"
    index.mkdir()
    (index / "tombstones.jsonl").write_text("{}\n")
    environment = {
        **os.environ,
        "TENPRINT_DATABASE_URL": f"sqlite:///{tmp_path}/tenprint.db",
        "TENPRINT_INDEX_FOLDER": str(index),
    }
    command = [sys.executable, "-m", "tenprint.server"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert "tombstones.jsonl is damaged" in ended.stderr


def test_a_real_server_starts_from_its_snapshot(launch, tmp_path):
    settings = {"database_url": f"sqlite:///{tmp_path}/tenprint.db", "index_folder": str(tmp_path / "index")}
    server = launch(**settings)
    model = server.gallery("criminal").model_version
    for seed in range(5):
        server.enrolment.Enrol(enrolment(seed, model, f"TCN{seed:07d}"))
    assert server.stop() == 0
    flip(newest(tmp_path / "index" / "criminal", ".segment"))
    damaged = launch(**settings)
    refused = [line for line in damaged.log_lines() if line["event"] == "snapshot_refused"]
    assert refused[0]["file"].endswith(".segment")
    assert metric(damaged, 'tenprint_snapshots_refused_total{gallery="criminal"}') == 1
    assert search(damaged, 3, model) == ["S3"]
    damaged.enrolment.Enrol(enrolment(9, model, "TCN0000009"))
    assert damaged.stop() == 0
    server = launch(**settings)
    told = next(line for line in server.log_lines() if line["event"] == "recovered")
    assert told["from_snapshot"] == {"criminal": True, "immigration": True}
    assert metric(server, "tenprint_recovery_operations") == 0
    for seed in (0, 3, 9):
        assert search(server, seed, model) == [f"S{seed}"]
    for name in ("tenprint_position", "tenprint_lag_operations", 'tenprint_snapshot_age_seconds{gallery="criminal"}'):
        assert metric(server, name) >= 0


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 6 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", place], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"a small disk cannot be made here: {made.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(place):
    # Unbuffered: what a buffer could not write, it would try again when it is closed.
    with (place / "filler").open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 65536)


def test_with_the_stores_disk_full_enrolments_fail_cleanly_and_searches_go_on(launch, small_disk, tmp_path):
    settings = {"database_url": f"sqlite:///{small_disk}/tenprint.db", "index_folder": str(tmp_path / "index")}
    server = launch(**settings)
    model = server.gallery("criminal").model_version
    for seed in range(10):
        server.enrolment.Enrol(enrolment(seed, model, f"TCN{seed:07d}"))
    fill(small_disk)
    refused = []
    for seed in range(10, 400):
        try:
            server.enrolment.Enrol(enrolment(seed, model, f"TCN{seed:07d}"))
        except grpc.RpcError as error:
            refused.append((seed, error))
            if len(refused) == 3:
                break
    assert {error.code() for _, error in refused} == {grpc.StatusCode.UNAVAILABLE}
    assert "SQLITE_FULL" in refused[0][1].details()
    held = refused[0][0]
    assert search(server, 3, model) == ["S3"]
    assert search(server, refused[0][0], model) == []
    (small_disk / "filler").unlink()
    for seed, _ in refused:
        server.enrolment.Enrol(enrolment(seed, model, f"TCN{seed:07d}"))
    kill(server)
    again = launch(**settings)
    assert again.gallery("criminal").encounters == held + 3
    assert search(again, refused[2][0], model) == [f"S{refused[2][0]}"]


def test_with_the_snapshots_disk_full_everything_else_goes_on(launch, small_disk, tmp_path):
    settings = {"database_url": f"sqlite:///{tmp_path}/tenprint.db", "index_folder": str(small_disk / "index")}
    server = launch(**settings, snapshot_interval_seconds="0.2")
    model = server.gallery("criminal").model_version
    server.enrolment.Enrol(enrolment(1, model, "TCN0000001"))
    fill(small_disk)
    for seed in range(2, 12):
        server.enrolment.Enrol(enrolment(seed, model, f"TCN{seed:07d}"))
    wait_until(lambda: metric(server, 'tenprint_snapshot_failures_total{gallery="criminal"}') >= 1)
    failed = next(line for line in server.log_lines() if line["event"] == "snapshot_failed")
    assert failed["reason"] == "ENOSPC"
    assert search(server, 5, model) == ["S5"]
    assert not list((small_disk / "index").rglob("*.partial"))
    (small_disk / "filler").unlink()
    before = len([line for line in server.log_lines() if line["event"] == "snapshot"])
    wait_until(lambda: len([line for line in server.log_lines() if line["event"] == "snapshot"]) > before)
    kill(server)
    again = launch(**settings)
    assert again.gallery("criminal").encounters == 11
    assert next(line for line in again.log_lines() if line["event"] == "recovered")["from_snapshot"]["criminal"]
