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
    return sum(segment.count for segment in gallery._published.segments if segment.codes is not None)


def people(count, d=D, seed=3):
    population = SyntheticVectors(seed, d, MATED)
    return population, [Record(f"e{i:05}", f"s{i:05}", population.subject(i)) for i in range(count)]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 25), st.sets(st.integers(0, 199), max_size=60))
def test_where_the_codes_nominate_all_the_answer_is_the_oracles(tmp_path_factory, seed, k, gone):
    rng = np.random.default_rng(seed)
    sets = [range(1, 11), range(1, 11), (2, 7), (1,)]
    records = [Record(f"e{199 - i:03}", f"s{i % 150}", capture(rng, sets[i % 4], D)) for i in range(200)]
    gallery = coded_gallery(folder_at(tmp_path_factory.mktemp("f")), records)
    assert coded_rows(gallery) == 200
    gallery.apply(drop=[f"e{i:03}" for i in gone])
    kept = [record for record in records if int(record.encounter_id[1:]) not in gone]
    probes = np.stack([capture(rng, fingers, D) for fingers in (range(1, 11), (1, 2), (7,))])
    for exact in (False, True):
        for probe, result in zip(probes, gallery.search(probes, k, exact=exact).results, strict=True):
            assert_equals_oracle(result, identify(entries_of(kept), probe, k))


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
    assert coded_rows(again) == coded_rows(gallery) > 0
    assert again.search(probes, 20).results == alone


def test_a_gallery_gets_codes_when_it_has_grown_and_its_older_files_with_it(tmp_path):
    folder = folder_at(tmp_path)
    _, records = people(400)
    records = [record for record in records if record.vector.reshape(10, D).any(axis=1).all()]
    gallery = coded_gallery(folder, records[:100], scan_from=200)
    assert coded_rows(gallery) == 0
    gallery.apply(records[100:], position="2")
    gallery.snapshot(folder, ORIGIN)
    assert coded_rows(gallery) == gallery.size == len(records)
    assert gallery.snapshot(folder, ORIGIN) == 0


def test_an_exact_gallery_neither_makes_nor_uses_codes(tmp_path):
    folder = folder_at(tmp_path)
    _, records = people(300)
    coded_gallery(folder, records)
    exact = Gallery("criminal", dimension=D, model_version="m", scan_from=None)
    assert exact.restore(folder, ORIGIN)[0] == "1"
    assert coded_rows(exact) == 0
    assert exact.snapshot(folder, ORIGIN) == 0


def test_codes_of_another_codebook_are_made_anew(tmp_path, monkeypatch):
    folder = folder_at(tmp_path)
    population, records = people(300)
    before = coded_gallery(folder, records).search(population.mate(5, 0)[np.newaxis], 5).results
    other = Codebook(simulated_codebook(D).centroids * np.float32(1.1))
    monkeypatch.setattr("tenprint.index.gallery.simulated_codebook", lambda _: other)
    gallery = Gallery("criminal", dimension=D, model_version="m", scan_from=16)
    gallery.restore(folder, ORIGIN)
    assert coded_rows(gallery) == 0
    gallery.snapshot(folder, ORIGIN)
    assert coded_rows(gallery) > 0
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


@given(st.integers(1, 100), st.integers(1, 12).map(lambda n: n * PIECE), st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_packed_codes_come_back_as_they_were(count, width, seed):
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, width)).astype(np.float32) / np.sqrt(width)
    codes = ScanCodes(simulated_codebook(width), width)
    for start in range(0, count, 17):
        codes.add(rows[start : start + 17])
    packed = codes.packed().copy()
    assert len(packed) == ScanCodes.packed_size(width, count)
    again = ScanCodes(simulated_codebook(width), width, packed, count)
    query = rng.standard_normal((2, width)).astype(np.float32)
    for one, other in zip(codes.nearest(query, count), again.nearest(query, count), strict=True):
        assert np.array_equal(one, other)
    assert np.array_equal(again.packed(), packed)


def test_the_codebook_is_the_same_each_time_and_no_persons():
    book = simulated_codebook(256)
    simulated_codebook.cache_clear()
    assert simulated_codebook(256).version == book.version
    assert book.centroids.shape == (CENTROIDS, PIECE)
    # Sixteen points for four normal numbers leave about .36 of their square (measured on fresh ones).
    pieces = np.random.default_rng(9).standard_normal((20_000, PIECE)).astype(np.float32) / 16
    residual = np.square(pieces[:, np.newaxis] - book.centroids).sum(axis=2).min(axis=1).mean()
    assert 0.33 < residual / np.square(pieces).sum(axis=1).mean() < 0.39


def test_few_fingers_and_long_lists_get_more_nominees():
    assert nominees_wanted(1, 10) == nominees_wanted(20, 10) == 320
    assert nominees_wanted(20, 1) == 3200
    assert nominees_wanted(100, 10) == 1600
