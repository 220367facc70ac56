"""`tenprint evaluate` on a folder of synthetic prints: what it reports, what counts as a miss, what it refuses."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tenprint.client.cli import app
from tenprint.client.evaluation.comparisons import Pairs, bozorth3_scores
from tenprint.client.evaluation.extraction import Extracted
from tenprint.client.evaluation.manifest import Print, persons, read_manifest, single_fingers, template_path
from tenprint.fingerprint.image import GreyImage
from tenprint.fingerprint.mindtct import MindtctExtractor, encoded, new_extractor
from tenprint.fingerprint.positions import FingerPosition
from tenprint.fingerprint.synthetic import encode_png, press
from tenprint.fingerprint.template import FingerView, write_template
from tests.prints import grown

FINGERS = {"A": (1, 2, 3, 4), "B": (5, 6)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two sets of two-finger subjects, three impressions each; the last impression of one finger shows nothing."""
    folder = tmp_path_factory.mktemp("sets")
    rows = ["dataset,finger,impression,path,ppi,subject"]
    for dataset, seeds in FINGERS.items():
        for place, seed in enumerate(seeds):
            master = grown(seed)
            for impression in (1, 2, 3):
                image = press(master, impression, rolled=impression == 1)
                if (seed, impression) == (4, 3):
                    image = GreyImage(np.full_like(image.pixels, 255), image.ppi)
                (folder / f"{seed}_{impression}.png").write_bytes(encode_png(image))
                rows.append(f"{dataset},{seed},{impression},{seed}_{impression}.png,500,person-{place // 2}")
    (folder / "manifest.csv").write_text("\n".join(reversed(rows[1:])).join([rows[0] + "\n", "\n"]))
    return folder


def run(*arguments, **settings):
    result = CliRunner().invoke(
        app,
        ["evaluate", *map(str, arguments)],
        env={"TENPRINT_EXTRACTOR": "mindtct", "TENPRINT_EXTRACTION_WORKERS": "2", **settings},
    )
    return result.exit_code, result.output


@pytest.fixture(scope="module")
def reported(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("out") / "made"
    code, told = run(folder, "--out", out, "--bozorth3", "--rotate", 30, "--partial")
    assert code == 0, told
    assert "report.md" in told
    return out, json.loads((out / "report.json").read_text())


def test_every_figure_is_there_by_dataset_and_pooled(reported):
    out, report = reported
    for part in ("embedding", "reranked"):
        for figures in (*report[part]["datasets"].values(), report[part]["pooled"]):
            assert {"eer", "fmr100", "fmr1000", "rank_1", "rank_10", "penetration_0.001", "fnir_0.1"} <= figures.keys()
            for name, (low, high) in figures["intervals"].items():
                assert name in figures
                assert high is None or 0 <= low <= high <= 1
        assert set(report[part]["datasets"]) == {"A", "B"}
        kinds = {count: one["persons"] for count, one in report[part]["fingers"].items()}
        assert kinds == {"1": "single fingers", "2": "real"}
    assert set(report["embedding"]["prefixes"]) == {"64", "128"}
    assert report["bozorth3"]["pooled"]["eer"] < 0.5
    assert report["input"]["extractor"] == "mindtct-0.1.3"
    for name in ("det.png", "cmc.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")
    text = (out / "report.md").read_text()
    assert all(heading in text for heading in ("## By data set, re-ranked", "## By number of fingers", "## Pose"))


def test_bozorth3_reads_from_records_what_it_reads_from_images():
    """The library compares objects of its own; those made of our records score as those it extracted itself."""
    reader = new_extractor(compute_nfiq2=False)
    images = [press(grown(seed), impression, rolled=False) for seed, impression in ((1, 1), (1, 2), (5, 1))]
    own = [reader.extract_minutiae(encoded(image)) for image in images]
    found = [MindtctExtractor().extract(image) for image in images]
    records = [write_template([FingerView(FingerPosition.RIGHT_INDEX, one, None, 0)]) for one in found]
    extracted = [Extracted(np.zeros(1), None, one, record) for one, record in zip(found, records, strict=True)]
    pairs = Pairs(np.array([0, 0, 1]), np.array([1, 2, 2]), np.array([True, False, False]), np.zeros(3, int))
    scores = bozorth3_scores([*extracted, None], pairs, 2, lambda: None)
    assert scores.tolist() == [own[1].compare(own[0]), own[2].compare(own[0]), own[2].compare(own[1])]
    assert scores[0] > 40 > scores[1:].max()


def test_a_print_that_shows_nothing_is_a_miss_and_the_others_are_found(reported):
    _, report = reported
    assert report["failures_to_extract"] == {"A": 1, "B": 0, "pooled": 1}
    pooled, other = report["reranked"]["pooled"], report["reranked"]["datasets"]["B"]
    assert (pooled["searches"], pooled["gallery"]) == (12, 6)
    assert pooled["rank_1"] == pooled["rank_10"] == pytest.approx(11 / 12, abs=1e-6)
    assert (other["rank_1"], other["eer"]) == (1, 0)
    assert pooled["mated_pairs"] == 18
    assert pooled["fmr100"] >= 2 / 18 - 1e-6  # both pairs of the empty print
    assert pooled["penetration_0.001"] is None
    # Twelve searches support no claim at an FPIR of 0.1.
    assert pooled["fnir_0.1"] is None
    # With the subject's other finger the same capture is found.
    assert report["reranked"]["fingers"]["2"]["rank_1"] == 1
    assert report["pose"]["upright"]["failures_to_extract"] == 1


def test_the_same_prints_give_the_same_report_but_for_its_seconds(folder, reported, tmp_path):
    code, told = run(folder, "--out", tmp_path, "--json")
    assert code == 0
    asked_again = json.loads(told).keys() - {"seconds"}
    assert asked_again == reported[1].keys() - {"seconds", "bozorth3", "pose"}
    first, second = ({name: report[name] for name in sorted(asked_again)} for report in (reported[1], json.loads(told)))
    assert json.dumps(first) == json.dumps(second)
    assert (tmp_path / "report.json").read_text() == told
    assert {"decode", "extract", "embed", "search", "rerank", "wall"} <= reported[1]["seconds"].keys()


def test_a_manifest_that_cannot_be_measured_is_refused_and_says_why(folder, tmp_path):
    def told_of(text):
        (tmp_path / "manifest.csv").write_text(text)
        return run(tmp_path, "--out", tmp_path)

    head = "dataset,finger,impression,path,ppi\n"
    for text, code, words in (
        ("finger,path\n", 2, "no column dataset, impression, ppi"),
        (head, 2, "no rows"),
        (head + "A,1,one,x.png,500\n", 2, "line 2: impression is 'one'"),
        (head + "A,1,1,x.png,500\nA,1,1,y.png,500\n", 2, "impression 1 of A:1 twice"),
        (head + "A,1,1,x.png,500\n", 2, "1 files of the manifest are not there"),
        (head + f"A,1,1,{folder}/1_1.png,50\n", 1, "A:1, impression 1"),
        (head + f"A,1,1,{folder}/1_1.png,500\n", 1, "no two impressions"),
    ):
        status, told = told_of(text)
        assert (status, words in " ".join(told.split())) == (code, True), told
    assert run(tmp_path, "--templates", tmp_path, "--rotate", 5)[0] == 2


def test_settings_that_cannot_be_measured_with_are_refused(folder, tmp_path):
    for setting, value, code, words in (
        ("TENPRINT_EXTRACTOR", "eyes", 2, "extractor"),
        ("TENPRINT_RERANK_PAIRS", "0", 1, "re-ranking is off"),
        ("TENPRINT_MODEL_PATH", str(tmp_path), 1, "finger.json"),
    ):
        status, told = run(folder, "--out", tmp_path, **{setting: value})
        assert (status, words in told) == (code, True), told


def prints(count, impressions=(1, 2), subject=""):
    return [Print("SET", f"{f:02}", i, None, 500, subject) for f in range(count) for i in impressions]


def test_chimeras_use_each_finger_once_and_are_the_same_again():
    made, real = persons(prints(10), 4, seed=1)
    assert not real
    used = [number for person in made for number in person.enrolled.prints]
    assert len(made) == 2
    assert len(set(used)) == 8
    for person in made:
        (probe,) = person.probes
        assert [number - 1 for number in probe.prints] == list(person.enrolled.prints)
    assert persons(prints(10), 4, seed=1)[0] == made
    assert persons(prints(3), 4, seed=1) == ([], False)


def test_real_subjects_go_before_chimeras():
    listed = [*prints(3, subject="a"), Print("SET", "00", 1, None, 500, "b")]
    made, real = persons(listed, 2, seed=1)
    assert real
    assert [person.name for person in made] == ["SET:a"]
    assert len(single_fingers(listed)) == 4


def test_the_rows_come_in_one_order_whatever_the_files(folder):
    found = read_manifest(folder)
    assert [item.impression for item in found[:3]] == [1, 2, 3]
    assert [item.name for item in found] == sorted(item.name for item in found)


def test_where_the_template_of_an_image_lies(tmp_path):
    item = Print("FVC2002_DB1_B", "101", 1, tmp_path / "FVC2002_DB1_B" / "101_1.png", 500)
    assert template_path(tmp_path, item) == tmp_path / "FVC2002" / "DB1_B" / "101_1.iso"


@pytest.mark.real
def test_real_prints_are_found_among_those_of_their_sensor(real_data, tmp_path):
    rows = (real_data / "fvc" / "manifest.csv").read_text().splitlines()
    with (tmp_path / "manifest.csv").open("w") as manifest:
        manifest.write("dataset,finger,impression,path,ppi\n")
        for row in rows[1:]:
            dataset, finger, impression, path, _, _, ppi, _ = row.split(",")
            if dataset == "FVC2002_DB1_B" and impression in "123":
                manifest.write(f"{dataset},{finger},{impression},{real_data / 'fvc' / path},{ppi}\n")
    code, told = run(tmp_path, "--out", tmp_path, "--json")
    assert code == 0, told
    pooled = json.loads(told)["reranked"]["pooled"]
    assert (pooled["searches"], pooled["gallery"]) == (20, 10)
    assert pooled["rank_1"] >= 0.9
    assert pooled["eer"] <= 0.1
    assert pooled["fnir_0.1"] is None
