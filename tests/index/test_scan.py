"""Scan codes: what they nominate is scored as ever, mates are not lost, files keep them and old files get them."""

import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tenprint.fingerprint.synthetic.vectors import SyntheticVectors
from tenprint.index import Gallery, Record, SnapshotFolder
from tenprint.index.scan import CENTROIDS, PIECE, Codebook, ScanCodes, nominees_wanted, simulated_codebook
from tests.index.oracle import identify
from tests.index.test_gallery import assert_equals_oracle, capture, entries_of

D = 32
ORIGIN = "store/epoch"
MATED = [(0.01, 0.05), (0.5, 0.38), (0.99, 0.7)]


def folder_at(path):
    return SnapshotFolder(path, lambda _: None)


def coded_gallery(folder, records, scan_from=16, d=D):
    gallery = Gallery("criminal", dimension=d, model_version="m", scan_from=scan_from)
    gallery.apply(records, position="1")
    gallery.snapshot(folder, ORIGIN)
    return gallery


def coded_rows(gallery):
    state = gallery._published
    return sum(segment.live for segment in state.segments if segment.kind in state.census.coded)


def filed_codes(gallery):
    return sum(segment.live for segment in gallery._published.segments if segment.codes_filed)


def people(count, d=D, seed=3):
    population = SyntheticVectors(seed, d, MATED, 0.0)
    return population, [Record(f"e{i:05}", f"s{i:05}", population.subject(i)) for i in range(count)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 25), st.sets(st.integers(0, 199), max_size=60))
def test_where_the_codes_nominate_all_the_answer_is_the_oracles(tmp_path_factory, seed, k, gone):
    rng = np.random.default_rng(seed)
    sets = [range(1, 11), range(1, 11), (2, 7), (1,)]
    records = [Record(f"e{199 - i:03}", f"s{i % 150}", capture(rng, sets[i % 4], D)) for i in range(200)]
    gallery = coded_gallery(folder_at(tmp_path_factory.mktemp("f")), records)
    assert coded_rows(gallery) == filed_codes(gallery) == 200
    gallery.apply(drop=[f"e{i:03}" for i in gone])
    kept = [record for record in records if int(record.encounter_id[1:]) not in gone]
    probes = np.stack([capture(rng, fingers, D) for fingers in (range(1, 11), (1, 2), (7,))])
    for exact in (False, True):
        for probe, result in zip(probes, gallery.search(probes, k, exact=exact).results, strict=True):
            assert_equals_oracle(result, identify(entries_of(kept), probe, k))


FINGERS_OF = [range(1, 11), range(2, 11), (1, 2, 3, 6, 7, 8), (2, 7), None]
SHARES = [0.6, 0.12, 0.07, 0.03, 0.18]
"""Sets of fingers of a gallery and their shares. With 60 as the limit the third becomes common on the way, and may be
rare again; the fourth lies in a pool without codes; None: any eight fingers, each set rare, the pool with codes."""


def crowd(rng, count, alike):
    """Encounters of which many come near the same probes, some of them twice the same: level at any cut."""
    centre = rng.standard_normal((10, D)).astype(np.float32)
    records = []
    for number in range(count):
        slots = alike * centre + rng.standard_normal((10, D)).astype(np.float32)
        if number % 7 == 3 and records:
            slots = records[-1].vector.reshape(10, D) + 0  # an exact copy, perhaps of fewer fingers
        fingers = FINGERS_OF[rng.choice(len(FINGERS_OF), p=SHARES)]
        present = np.isin(np.arange(1, 11), rng.permutation(np.arange(1, 11))[:8] if fingers is None else list(fingers))
        there = slots.any(axis=1)
        present = present & there if (present & there).any() else there  # never no finger at all
        slots[~present] = 0
        slots /= np.maximum(np.linalg.norm(slots, axis=1, keepdims=True), 1e-9)
        records.append(Record(f"e{rng.integers(1 << 40):011x}", f"s{rng.integers(count)}", slots.reshape(-1)))
    probes = [capture(rng, fingers, D) for fingers in (*FINGERS_OF[1:4], (1,), (9, 10))]
    probes += [(slots := (alike * centre + rng.standard_normal((10, D))).astype(np.float32)).reshape(-1) for _ in "ab"]
    for probe in probes[-2:]:
        slots = probe.reshape(10, D)
        slots /= np.linalg.norm(slots, axis=1, keepdims=True)
    return records, np.stack(probes)


@settings(max_examples=5, deadline=None)
@given(
    st.integers(0, 2**20),
    st.sampled_from([0.0, 1.0, 3.0]),
    st.lists(st.sampled_from(["put", "drop", "again", "snapshot", "erase", "restart"]), min_size=4, max_size=14),
)
def test_whole_answers_depend_on_what_the_gallery_holds_and_not_on_where_it_lies(tmp_path_factory, seed, alike, course):
    # Few nominees among many that are nearly level: what differs in the least nomination shows in the list.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tenprint.index.scan.NOMINEES", 24)
        patch.setattr("tenprint.index.scan._NOMINEES_EACH", 1)
        patch.setattr("tenprint.index.scan._PART_ROWS", 64)
        patch.setattr("tenprint.index.nomination._LEVEL_MARGIN", 2)
        rng = np.random.default_rng(seed)
        records, probes = crowd(rng, 1500, alike)
        folder = folder_at(tmp_path_factory.mktemp("f"))
        gallery, held, told, number = Gallery("g", dimension=D, model_version="m", scan_from=60), {}, None, 0

        def put(some):
            nonlocal number
            number += 1
            gallery.apply(some, position=str(number))
            held.update((record.encounter_id, record) for record in some)

        put(records[:700])
        waiting = records[700:]
        for step in [*course, "snapshot", "restart", "drop"]:
            if step == "put":
                some, waiting = waiting[:90], waiting[90:]
                put(some)
            elif step == "again":  # what is held already, so that its old rows are dead
                put([held[name] for name in sorted(held)[::5]])
            elif step == "drop":
                # Not below what leaves enough of every kind for codes.
                gone = [name for name in sorted(held) if rng.random() < 0.15][: max(0, len(held) - 500)]
                gallery.apply(drop=gone, position=str(number))
                for name in gone:
                    del held[name]
            elif step == "snapshot":
                gallery.snapshot(folder, ORIGIN)
            elif step == "erase":
                gallery.snapshot(folder, ORIGIN, erase=records)
            else:
                gallery.snapshot(folder, ORIGIN)
                gallery = Gallery("g", dimension=D, model_version="m", scan_from=60)
                assert gallery.restore(folder, ORIGIN)[1] == []
            fresh = Gallery("g", dimension=D, model_version="m", scan_from=60)
            fresh.apply([held[name] for name in sorted(held)])  # as if it had never been anything else
            assert 0 < coded_rows(fresh) == coded_rows(gallery) < gallery.size
            assert -8 in gallery._published.census.coded
            told = gallery.search(probes, 20).results
            assert told == fresh.search(probes, 20).results
            patch.setattr("tenprint.index._faiss._THREADS", 1)
            assert told == tuple(gallery.search(probe[np.newaxis], 20).results[0] for probe in probes)
            patch.setattr("tenprint.index._faiss._THREADS", 3)
            assert told == gallery.search(np.repeat(probes, 9, axis=0)[::-1], 20).results[::-9]
            assert told[:2] == tuple(gallery.search(probe[np.newaxis], 20).results[0] for probe in probes[:2])
        exact = gallery.search(probes, 20, exact=True).results
        assert alike == 0 or any(one != other for one, other in zip(told, exact, strict=True))


def test_no_mate_of_ten_fingers_is_lost_and_its_answer_is_that_of_exact_search(tmp_path):
    population, records = people(6000)
    gallery = coded_gallery(folder_at(tmp_path), records)
    assert coded_rows(gallery) > 0.9 * 6000
    numbers = list(range(0, 6000, 12))
    probes = np.stack([population.mate(number, 0) for number in numbers])
    found = gallery.search(probes, 20).results
    exact = gallery.search(probes, 20, exact=True).results
    for number, result, reference in zip(numbers, found, exact, strict=True):
        names = [candidate.subject_id for candidate in result.candidates]
        if f"s{number:05}" in [candidate.subject_id for candidate in reference.candidates]:
            assert f"s{number:05}" in names
        assert result.candidates[0] == reference.candidates[0]
        assert result.coverage == reference.coverage


@pytest.mark.parametrize("fingers", [10, 9, 4, 1])
def test_the_very_same_prints_and_nearly_the_same_are_found(fingers):
    # FastScan sums in 16 bits: of 256 numbers a finger, the sum of a twin's table entries would not fit by itself.
    rng = np.random.default_rng(4)
    slots = rng.standard_normal((300, 10, 256)).astype(np.float32)
    slots[:, fingers:] = 0
    slots[:150] += 0.2 * rng.standard_normal((150, 10, 256)) * (slots[:150] != 0)
    slots /= np.maximum(np.linalg.norm(slots, axis=2, keepdims=True), 1e-9)
    gallery = Gallery("g", dimension=256, model_version="m", scan_from=16)
    gallery.apply([Record(f"e{i:03}", f"s{i:03}", row.reshape(-1)) for i, row in enumerate(slots)])
    (codes,) = [segment.codes for segment in gallery._published.segments]
    queries = np.ascontiguousarray(slots[:, :fingers].reshape(300, -1))
    scores, rows, _ = codes.nearest(codes.codebook.fitted(queries), 5)
    assert rows[:, 0].tolist() == list(range(300))
    assert np.all(scores[:, 0] > 0.5 * fingers)
    results = gallery.search(slots.reshape(300, -1), 1).results
    assert [result.candidates[0].encounter_id for result in results] == [f"e{i:03}" for i in range(300)]


def test_answers_are_the_same_bits_in_any_batch_with_other_threads_and_after_a_restart(tmp_path):
    folder = folder_at(tmp_path)
    population, records = people(3000)
    gallery = coded_gallery(folder, records)
    probes = np.stack([population.mate(number, 0) for number in range(70)])
    alone = tuple(gallery.search(probe[np.newaxis], 20).results[0] for probe in probes)
    assert gallery.search(probes, 20).results == alone
    with ThreadPoolExecutor(4) as pool:
        for results in pool.map(lambda start: gallery.search(probes[start : start + 9], 20).results, range(0, 60, 3)):
            assert set(results) <= set(alone)
    again = Gallery("criminal", dimension=D, model_version="m", scan_from=16)
    assert again.restore(folder, ORIGIN) == ("1", [])
    assert filed_codes(again) == coded_rows(again) == coded_rows(gallery) > 0
    assert again.search(probes, 20).results == alone


def test_a_gallery_gets_codes_when_it_has_grown_and_its_older_files_with_it(tmp_path):
    folder = folder_at(tmp_path)
    _, records = people(400)
    records = [record for record in records if record.vector.reshape(10, D).any(axis=1).all()]
    gallery = coded_gallery(folder, records[:100], scan_from=200)
    assert coded_rows(gallery) == filed_codes(gallery) == 0
    gallery.apply(records[100:], position="2")
    assert coded_rows(gallery) == gallery.size == len(records)
    assert filed_codes(gallery) == 0
    gallery.snapshot(folder, ORIGIN)
    assert filed_codes(gallery) == gallery.size
    assert gallery.snapshot(folder, ORIGIN) == 0


def test_encounters_with_rare_sets_of_fingers_lie_together_until_their_set_is_common(tmp_path):
    rng = np.random.default_rng(6)
    pairs = [(one, other) for one in range(1, 11) for other in range(one + 1, 11)]
    records = [Record(f"e{i:03}", f"s{i:03}", capture(rng, pairs[i % 45], D)) for i in range(450)]
    gallery = coded_gallery(folder_at(tmp_path), records, scan_from=16)
    assert [segment.kind for segment in gallery._published.segments] == [-2]
    assert filed_codes(gallery) == 450
    probes = np.stack([records[7].vector, capture(rng, d=D), capture(rng, (3,), D)])
    before = gallery.search(probes, 20).results
    assert before[2].coverage.searched == 90, "nine pairs have a finger 3"
    more = [Record(f"f{i}", f"t{i}", capture(rng, pairs[0], D)) for i in range(6)]
    gallery.apply(more)
    assert {segment.kind: segment.live for segment in gallery._published.segments} == {-2: 440, 0b11: 16}
    assert gallery.search(probes[2:], 20).results[0].coverage.searched == 90
    gallery.apply(drop=["f0"])
    assert sorted((segment.kind, segment.live) for segment in gallery._published.segments if segment.live) == [
        (-2, 15), (-2, 440)
    ]  # fmt: skip
    gallery.apply(drop=[record.encounter_id for record in more[1:]])
    gallery.snapshot(folder_at(tmp_path), ORIGIN)
    assert [segment.kind for segment in gallery._published.segments] == [-2]
    assert gallery.search(probes, 20).results == before


def test_an_exact_gallery_neither_makes_nor_uses_codes(tmp_path):
    folder = folder_at(tmp_path)
    _, records = people(300)
    coded_gallery(folder, records)
    exact = Gallery("criminal", dimension=D, model_version="m", scan_from=None)
    assert exact.restore(folder, ORIGIN)[0] == "1"
    exact.snapshot(folder, ORIGIN)
    assert coded_rows(exact) == filed_codes(exact) == 0
    assert exact.snapshot(folder, ORIGIN) == 0


def test_codes_of_another_codebook_are_made_anew(tmp_path, monkeypatch):
    folder = folder_at(tmp_path)
    population, records = people(300)
    before = coded_gallery(folder, records).search(population.mate(5, 0)[np.newaxis], 5).results
    other = Codebook(simulated_codebook(D).centroids * np.float32(1.1))
    monkeypatch.setattr("tenprint.index.gallery.simulated_codebook", lambda _: other)
    gallery = Gallery("criminal", dimension=D, model_version="m", scan_from=16)
    gallery.restore(folder, ORIGIN)
    assert filed_codes(gallery) == 0 < coded_rows(gallery)
    gallery.snapshot(folder, ORIGIN)
    assert filed_codes(gallery) == coded_rows(gallery)
    assert gallery.search(population.mate(5, 0)[np.newaxis], 5).results == before


@pytest.mark.parametrize("section", ["codes", "codebook"])
def test_a_damaged_code_section_is_refused(tmp_path, section):
    folder = folder_at(tmp_path)
    _, records = people(300)
    coded_gallery(folder, records)
    path = max(tmp_path.glob("*.segment"), key=lambda path: path.stat().st_size)
    content = bytearray(path.read_bytes())
    header = json.loads(content[16 : 16 + int.from_bytes(content[8:12], "little")])
    content[header["sections"][section]["offset"] + 3] ^= 1
    path.write_bytes(content)
    gallery = Gallery("criminal", dimension=D, model_version="m", scan_from=16)
    position, refused = gallery.restore(folder, ORIGIN)
    assert position == ""
    assert {fault.file for fault in refused} == {path.name}
    assert f"its {section} do not have the checksum" in refused[0].problem


def told(answer):
    scores, rows, _ = answer
    rows = np.where(scores > -np.inf, rows, -1)
    return [set(zip(*pair, strict=True)) for pair in zip(scores.tolist(), rows.tolist(), strict=True)]


@given(st.integers(1, 100), st.integers(1, 12).map(lambda n: n * PIECE), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_packed_codes_come_back_as_they_were(count, width, seed):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, width)).astype(np.float32) / np.sqrt(width)
    book = simulated_codebook(width)
    codes = ScanCodes(book, width)
    for start in range(0, count, 17):
        codes = codes.extended(rows[start : start + 17])
    assert len(codes.packed()) == ScanCodes.packed_size(width, count)
    again = ScanCodes.of_packed(book, width, codes.packed(), count)
    assert again.count == codes.count == count
    joined = (
        ScanCodes(book, width)
        .extended(rows[: count // 32 * 32])
        .followed_by(ScanCodes(book, width).extended(rows[count // 32 * 32 :]))
    )
    query = book.fitted(rng.standard_normal((2, width)).astype(np.float32))
    for other in (again, joined):
        assert np.array_equal(other.packed(), codes.packed())
        assert told(codes.nearest(query, count)) == told(other.nearest(query, count))


def test_the_codebook_is_made_of_simulated_pieces_and_of_no_persons():
    pieces = np.random.Generator(np.random.PCG64(20261124)).standard_normal((1 << 16, PIECE))
    centroids = pieces[:CENTROIDS].copy()
    for _ in range(30):  # Lloyd's algorithm
        nearest = (np.square(centroids).sum(axis=1) - 2 * pieces @ centroids.T).argmin(axis=1)
        centroids = np.stack([pieces[nearest == number].mean(axis=0) for number in range(CENTROIDS)])
    book = simulated_codebook(256)
    assert np.allclose(book.centroids, centroids / 16, rtol=1e-6, atol=0)
    assert book.centroids.shape == (CENTROIDS, PIECE)
    # Sixteen points for four normal numbers leave about .36 of their square (measured on fresh ones).
    pieces = np.random.default_rng(9).standard_normal((20_000, PIECE)).astype(np.float32) / 16
    residual = np.square(pieces[:, np.newaxis] - book.centroids).sum(axis=2).min(axis=1).mean()
    assert 0.33 < residual / np.square(pieces).sum(axis=1).mean() < 0.39


def test_few_fingers_and_long_lists_get_more_nominees():
    assert nominees_wanted(1, 10) == nominees_wanted(20, 10) == 320
    assert nominees_wanted(20, 1) == 3200
    assert nominees_wanted(100, 10) == 1600
