"""Snapshots: what comes back is what was there, nothing damaged is believed, and what is erased is gone."""

import json
import os
import shutil
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenprint.index import ForeignSnapshotError, Gallery, Record, SnapshotFolder
from tests.index.oracle import Entry, identify
from tests.index.test_gallery import assert_equals_oracle, capture

D = 4
ORIGIN = "store-1/epoch-1"
SETS = [range(1, 11), (1, 6), (2,)]


def empty_gallery(name="criminal", model_version="m"):
    return Gallery(name, dimension=D, model_version=model_version)


def record(number, person=None, seed=None):
    rng = np.random.default_rng(number if seed is None else seed)
    return Record(f"e{number}", f"s{person or number}", capture(rng, SETS[number % 3]), b"features %d" % number)


def folder_at(path):
    return SnapshotFolder(path, lambda _: None)


def restored(folder, origin=ORIGIN, **fields):
    gallery = empty_gallery(**fields)
    position, refused = gallery.restore(folder, origin)
    return gallery, position, refused


def held(gallery):
    return {r.encounter_id: (r.subject_id, r.vector.tobytes(), r.features) for r in gallery.records()}


PROBES = np.stack([capture(np.random.default_rng(i), SETS[0]) for i in range(3)])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["put", "drop", "snapshot", "restart"]), st.integers(0, 11)), max_size=40))
def test_any_course_of_changes_snapshots_and_restarts_holds_what_the_log_says(tmp_path_factory, course):
    folder = folder_at(tmp_path_factory.mktemp("snapshots"))
    gallery, truth, log, at_snapshot = empty_gallery(), {}, [], 0

    def follow(change, position):
        kind, number = change
        put = [record(number, seed=position)] if kind == "put" else []
        gallery.apply(put, [] if put else [f"e{number}"], str(position))

    for kind, number in course:
        if kind == "snapshot":
            gallery.snapshot(folder, ORIGIN)
            at_snapshot = len(log)
        elif kind == "restart":
            gallery, position, refused = restored(folder)
            assert int(position or 0) == at_snapshot
            assert refused == []
            for later in range(at_snapshot, len(log)):
                follow(log[later], later + 1)
        else:
            log.append((kind, number))
            follow(log[-1], len(log))
            truth.pop(number, None)
            if kind == "put":
                truth[number] = record(number, seed=len(log))
    assert {name: features for name, (_, _, features) in held(gallery).items()} == {
        r.encounter_id: r.features for r in truth.values()
    }
    entries = [Entry(r.encounter_id, r.subject_id, r.vector) for r in truth.values()]
    for probe, result in zip(PROBES, gallery.search(PROBES, 5).results, strict=True):
        assert_equals_oracle(result, identify(entries, probe, 5))


@pytest.fixture
def folder(tmp_path):
    return folder_at(tmp_path / "criminal")


@pytest.fixture
def gallery(folder):
    """Two snapshots of it lie in the folder: at position 1 with 20 encounters, at 2 with 30."""
    made = empty_gallery()
    made.apply([record(i) for i in range(20)], position="1")
    made.snapshot(folder, ORIGIN)
    made.apply([record(i) for i in range(20, 30)], position="2")
    made.snapshot(folder, ORIGIN)
    return made


def manifests(folder):
    return sorted(folder.path.glob("manifest-*.json"))


def files_of(path):
    return [entry["file"] for entry in json.loads(path.read_text())["manifest"]["segments"]]


def test_answers_are_the_same_bits_before_and_after_rewriting_and_restoring(folder):
    gallery = empty_gallery()
    gallery.apply([record(i, person=i // 2) for i in range(400)])
    gallery.apply(drop=[f"e{i}" for i in range(0, 400, 9)])
    before = gallery.search(PROBES, 50).results
    assert gallery.snapshot(folder, ORIGIN) == 3, "one file for each number of fingers"
    assert gallery.describe().segments == {"growing": 0, "sealed": 0, "mapped": 3}
    assert gallery.search(PROBES, 50).results == before
    again, _, _ = restored(folder)
    assert again.search(PROBES, 50).results == before
    assert (again.size, again.subjects, held(again)) == (gallery.size, gallery.subjects, held(gallery))


def test_small_files_are_merged_and_those_nothing_names_removed(folder):
    gallery = empty_gallery()
    for i in range(40):
        gallery.apply([record(3 * i)])
        gallery.snapshot(folder, ORIGIN)
    assert gallery.describe().segments["mapped"] <= 6, "as the logarithm of 40"
    named = {file for path in manifests(folder) for file in files_of(path)}
    assert {path.name for path in folder.path.glob("*.segment")} == named
    assert len(manifests(folder)) == 2


def test_a_file_with_many_dead_is_rewritten_and_a_mark_is_enough_for_few(folder):
    gallery = empty_gallery()
    gallery.apply([record(3 * i) for i in range(100)])
    gallery.snapshot(folder, ORIGIN)
    gallery.apply(drop=[f"e{3 * i}" for i in range(5)])
    assert gallery.snapshot(folder, ORIGIN) == 0
    assert gallery.describe().dead == 5
    assert held(restored(folder)[0]) == held(gallery)
    gallery.apply(drop=[f"e{3 * i}" for i in range(5, 15)])
    assert gallery.snapshot(folder, ORIGIN) == 1
    assert gallery.describe().dead == 0
    gallery.apply(drop=[f"e{3 * i}" for i in range(100)])
    assert gallery.snapshot(folder, ORIGIN) == 0
    assert (gallery.describe().segments["mapped"], restored(folder)[0].size) == (0, 0)


def test_what_is_erased_is_in_no_file(folder, gallery):
    vectors = {r.encounter_id: r.vector.reshape(10, D) for r in gallery.records()}
    needles = {f"e{i}": vectors[f"e{i}"][SETS[i % 3][-1] - 1].tobytes() for i in (3, 4, 5)}
    needles["features"] = record(4).features

    def found():
        content = [path.read_bytes() for path in folder.path.iterdir()]
        return {name for name, needle in needles.items() if any(needle in data for data in content)}

    assert found() == {"e3", "e4", "e5", "features"}
    gallery.apply(drop=["e3", "e4"], position="3")
    gallery.snapshot(folder, ORIGIN)
    assert "e3" in found(), "a dead row may wait for its file to be rewritten"
    gallery.snapshot(folder, ORIGIN, erase=["e3", "e4"])
    assert found() == {"e5"}
    assert gallery.size == 28
    assert held(restored(folder)[0]) == held(gallery)


def test_changes_during_a_rewrite_are_kept(folder, monkeypatch):
    gallery = empty_gallery()
    gallery.apply([record(3 * i) for i in range(50)], position="1")
    publish = folder.publish

    def meanwhile(manifest):
        gallery.apply([record(3, person=77)], drop=["e0"], position="2")
        gallery.apply([record(3 * 60)], position="3")
        return publish(manifest)

    monkeypatch.setattr(folder, "publish", meanwhile)
    gallery.snapshot(folder, ORIGIN)
    monkeypatch.undo()
    names = held(gallery)
    assert "e0" not in names
    assert names["e3"][0] == "s77"
    assert len(names) == gallery.size == 50
    again, position, _ = restored(folder)
    assert (position, again.size) == ("1", 50), "the manifest stands where it was sealed; the log tells the rest"
    again.apply([record(3, person=77)], drop=["e0"], position="2")
    again.apply([record(3 * 60)], position="3")
    assert held(again) == names


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def newest_only(folder):
    """A segment file that only the newest manifest names."""
    older, newer = manifests(folder)
    return folder.path / sorted(set(files_of(newer)) - set(files_of(older)))[0]


DAMAGES = {
    "flipped bit in a vector": lambda f: flip(newest_only(f), 4096),
    "flipped bit in the features": lambda f: flip(newest_only(f), -1),
    "flipped bit in the header": lambda f: flip(newest_only(f), 20),
    "flipped bit in the magic": lambda f: flip(newest_only(f), 2),
    "truncated": lambda f: os.truncate(newest_only(f), newest_only(f).stat().st_size - 5),
    "truncated to nothing": lambda f: os.truncate(newest_only(f), 0),
    "truncated in the header": lambda f: os.truncate(newest_only(f), 100),
    "missing": lambda f: newest_only(f).unlink(),
    "another segment under its name": lambda f: shutil.copy(f.path / files_of(manifests(f)[0])[0], newest_only(f)),
    "flipped bit in the manifest": lambda f: flip(manifests(f)[1], 200),
    "truncated manifest": lambda f: os.truncate(manifests(f)[1], 300),
    "empty manifest": lambda f: os.truncate(manifests(f)[1], 0),
}


@pytest.mark.usefixtures("gallery")
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_snapshot_is_refused_by_name_and_the_one_before_it_used(folder, damage):
    culprits = {path.name for path in folder.path.iterdir()}
    DAMAGES[damage](folder)
    again, position, refused = restored(folder)
    assert [error.file in culprits for error in refused] == [True]
    assert (position, again.size) == ("1", 20)


@pytest.mark.usefixtures("gallery")
def test_swapped_manifests_are_both_refused(folder):
    one, two = manifests(folder)
    swapped = one.with_name("swap")
    one.rename(swapped), two.rename(one), swapped.rename(two)
    again, position, refused = restored(folder)
    assert (position, again.size) == ("", 0)
    assert [str(error) for error in refused] == [
        f"{path.name}: is another manifest under this one's name" for path in (two, one)
    ]


@pytest.mark.usefixtures("gallery")
def test_an_older_manifest_in_place_of_the_newest_stands_for_what_it_says(folder):
    manifests(folder)[1].unlink()
    again, position, refused = restored(folder)
    assert (position, again.size, refused) == ("1", 20, [])


@pytest.mark.usefixtures("gallery")
def test_with_every_snapshot_damaged_nothing_is_restored_and_the_next_one_is_sound(folder):
    for path in folder.path.glob("*.segment"):
        flip(path, 5000)
    again, position, refused = restored(folder)
    assert (position, again.size, len(refused)) == ("", 0, 2)
    again.apply([record(1)], position="9")
    again.snapshot(folder, ORIGIN)
    assert restored(folder)[1:] == ("9", [])


@pytest.mark.parametrize(
    "other", [{"origin": "store-2/epoch-1"}, {"name": "immigration"}, {"model_version": "another"}]
)
@pytest.mark.usefixtures("gallery")
def test_a_snapshot_of_something_else_is_refused(folder, other):
    again, position, refused = restored(folder, **other)
    assert (position, again.size) == ("", 0)
    assert {type(error) for error in refused} == {ForeignSnapshotError}


def test_a_disk_that_takes_nothing_leaves_the_gallery_and_its_snapshots_as_they_were(folder, gallery, monkeypatch):
    gallery.apply([record(90)], drop=["e1"], position="3")
    before = gallery.search(PROBES, 10).results
    there = {path.name for path in folder.path.iterdir()}

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        gallery.snapshot(folder, ORIGIN)
    monkeypatch.undo()
    assert {path.name for path in folder.path.iterdir()} == there
    assert gallery.search(PROBES, 10).results == before
    assert restored(folder)[1] == "2"
    gallery.snapshot(folder, ORIGIN)
    assert held(restored(folder)[0]) == held(gallery)


def test_searches_and_changes_go_on_while_snapshots_are_made(folder):
    gallery, failures, done = empty_gallery(), [], threading.Event()

    def snapshots():
        try:
            while not done.is_set():
                gallery.snapshot(folder, ORIGIN)
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test, whatever it is
            failures.append(error)

    thread = threading.Thread(target=snapshots)
    thread.start()
    for i in range(400):
        gallery.apply([record(i)], drop=[f"e{i - 100}"], position=str(i))
        found = gallery.search(record(i).vector[np.newaxis], 1).results[0]
        assert found.candidates[0].encounter_id == f"e{i}"
        assert found.coverage.total == min(i + 1, 100)
    done.set()
    thread.join()
    assert failures == []
    gallery.snapshot(folder, ORIGIN)
    assert held(restored(folder)[0]) == held(gallery)
