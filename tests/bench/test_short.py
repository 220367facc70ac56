"""Every benchmark still runs and prints its rows: short forms, whose figures mean nothing."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def bench(name, *arguments):
    ran = subprocess.run(
        [sys.executable, "-m", f"bench.{name}", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_engine_against_flat_search(tmp_path):
    file = tmp_path / "engine.json"
    out = bench("engine", "--subjects", "300", "--probes", "128", "--repeats", "1", "--json", str(file))
    assert out.count("batch  256: engine") == len({row["threads"] for row in json.loads(file.read_text())["table"]})
    assert "mates {'fingers': 10, 'probes': 128" in out
    assert "restored in" in out


def test_the_store(tmp_path):
    out = bench("store", "--subjects", "200", "--enrolments", "20", "--folder", str(tmp_path / "store"))
    for row in (
        "SQLite: enrolments a second, 1 writer(s), one a transaction",
        "SQLite: enrolments a second, 1 writer(s), 64 a transaction",
        "SQLite: 200 filled in, 1,000 a transaction, a second",
        "start from the snapshot, every byte checked",
        "200 operations of the log applied after it",
        "first search",
    ):
        assert row in out


def test_rivals_are_measured_and_who_is_missing_is_said(tmp_path):
    only = ["stock flat", "hnswlib"]
    files = tmp_path / "rivals.json", tmp_path / "rivals.svg"
    out = bench(
        "rivals",
        "--subjects",
        "300",
        "--repeats",
        "1",
        "--json",
        str(files[0]),
        "--plot",
        str(files[1]),
        "--only",
        *only,
    )
    rivals = {rival["name"]: rival for rival in json.loads(files[0].read_text())["rivals"]}
    assert list(rivals) == ["engine", *only]
    for name, rival in rivals.items():
        assert f"\n| {name}" in out
        if rival["note"]:
            assert (name, rival["note"]) == ("hnswlib", "not installed: hnswlib")
            continue
        assert set(rival["seconds"]) == {"1", "8", "64", "256"}
        # Of ten-finger mates among 300 everybody finds every one.
        assert (rival["probes"], rival["first"], rival["found"]) == (256, 256, 256)
    assert files[1].read_text().lstrip().startswith("<?xml")


def test_a_rival_that_takes_too_long_is_stopped():
    out = bench("rivals", "--subjects", "300", "--repeats", "1", "--limit", "0.01", "--only", "stock flat")
    assert out.count("stopped after 0 s") == 2


def test_a_server_under_more_than_it_can_do(tmp_path):
    file = tmp_path / "overload.json"
    short = [
        "--subjects",
        "64",
        "--first",
        "30",
        "--growth",
        "8",
        "--seconds",
        "0.5",
        "--repeats",
        "1",
        "--bookings",
        "0",
    ]
    out = bench("overload", *short, "--json", str(file))
    for row in ("enrolled offline: 2 x 64", "ramp: 30/s offered", "peak: ", "twice the saturation: "):
        assert row in out
    assert "goodput at twice the saturation, against the peak" in out
    found = json.loads(file.read_text())
    assert found["overdue"] == 0
    assert found["bookings"] == []


def test_the_wire_against_the_engine(tmp_path):
    file = tmp_path / "wire.json"
    short = ["--subjects", "64", "--seconds", "0.2", "--turns", "1", "--repeats", "1"]
    out = bench("wire", *short, "--json", str(file))
    for row in (
        "an empty RPC, p50",
        "adds to Identify: validate",
        "adds to Identify: codec, preparation",
        "adds to Identify: scheduler",
        "adds to Identify: engine",
        "a lone Identify, p50",
        "64 clients of single probes ",
        "4 clients of batches of 64 ",
        "128 clients of single probes ",
    ):
        assert f"\n{row}" in out
    found = json.loads(file.read_text())
    assert len(found["ratios"]) == 3
    assert min(*found["ratios"].values(), *found["lone"].values()) > 0
