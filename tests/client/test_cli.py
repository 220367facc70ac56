"""The `tenprint` command as a user and a script meet it."""

import json

import pytest
from typer.testing import CliRunner

from tenprint.client.cli import app
from tenprint.fingerprint.synthetic import encode_png, press
from tests.prints import grown

ORI = "ZZCLI0000"


@pytest.fixture(scope="module")
def thumbs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prints")
    for seed in (1, 2):
        for capture, rolled in ((1, True), (2, False)):
            (folder / f"{seed}_{capture}.png").write_bytes(encode_png(press(grown(seed), capture, rolled=rolled)))
    (folder / "empty.an2").touch()
    with (folder / "large.png").open("wb") as file:
        file.truncate(3_000_000_000)  # sparse: more than protobuf can carry, and no bytes on the disk
    return folder


@pytest.fixture
def run(server):
    def invoke(*arguments):
        result = CliRunner().invoke(
            app,
            [str(argument) for argument in arguments],
            env={"TENPRINT_ADDRESS": server.address, "TENPRINT_ORI": ORI},
        )
        return result.exit_code, result.output

    return invoke


def test_enrol_then_identify_for_people_and_for_machines(run, thumbs):
    for seed in (1, 2):
        code, told = run("enrol", "criminal", f"1={thumbs}/{seed}_1.png", "--subject", f"CLI-{seed}")
        assert code == 0, told
        assert f"CLI-{seed}" in told
    arguments = ("identify", "--gallery", "criminal", f"1={thumbs}/1_2.png", "--score-threshold", "-1")
    code, told = run(*arguments)
    assert code == 0, told
    assert "2 of 2 records compared" in told
    assert "A person decides." in told
    code, told = run(*arguments, "--json")
    answer = json.loads(told)["answers"][0]
    assert (code, answer["gallery"], answer["outcome"]) == (0, "criminal", "candidates")
    assert {candidate["subject_id"] for candidate in answer["candidates"]} == {"CLI-1", "CLI-2"}


def test_a_target_fpir_and_what_is_expected_of_the_candidates(run, thumbs):
    assert run("enrol", "immigration", f"6={thumbs}/1_1.png", "--subject", "CLI-1")[0] == 0
    arguments = ("identify", "--gallery", "immigration", f"6={thumbs}/1_2.png")
    code, told = run(*arguments, "--target-fpir", "0.1")
    assert code == 0, told
    assert "FPIR" in told
    code, told = run(*arguments, "--target-fpir", "0.1", "--json")
    answer = json.loads(told)["answers"][0]
    assert "simulated" in answer["calibration_version"]
    (candidate,) = answer["candidates"]
    assert (candidate["expected_fpir"] or candidate["fpir_bound"]) <= 0.1
    code, told = run(*arguments, "--target-fpir", "0.00000001")
    assert code == 3, "that gallery's answer is an error, and incomplete"
    assert "promises" in told
    code, told = run(*arguments, "--target-fpir", "0.1", "--score-threshold", "0.5")
    assert (code, "target_fpir" in told) == (4, True)
    assert run(*arguments, "--target-fpir", "7")[0] == 4


def test_galleries(run):
    code, told = run("galleries", "--json")
    assert code == 0
    assert {gallery["name"] for gallery in json.loads(told)} == {"criminal", "immigration"}


def test_a_partial_answer_has_an_exit_code_of_its_own(run, thumbs):
    assert run("enrol", "immigration", f"2={thumbs}/2_1.png")[0] == 0
    code, told = run("identify", "--gallery", "immigration", f"3={thumbs}/1_2.png")
    assert code == 3
    assert "must not be read as no match" in " ".join(told.split())


def test_of_many_files_each_is_told_for_itself(run, thumbs):
    code, told = run("enrol", "criminal", f"{thumbs}/empty.an2", f"{thumbs}/empty.an2", "--json")
    lines = [json.loads(line) for line in told.splitlines()]
    assert code == 3
    assert [line["result"]["code"] for line in lines] == ["INVALID_ARGUMENT"] * 2
    assert lines[0]["tcn"] == lines[1]["tcn"], "of the content: given again, nothing is enrolled twice"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("identify", "--gallery", "nowhere", "1={}/1_2.png"), 4, "nowhere"),
        (("identify", "--gallery", "criminal", "{}/1_2.png"), 2, "which finger"),
        (("identify", "--gallery", "criminal", "1={}/absent.png"), 2, "No such file"),
        (("identify", "--gallery", "criminal", "16={}/1_2.png"), 2, "0 to 15"),
        (("identify", "--gallery", "criminal", "1={}/large.png"), 2, "larger than a message"),
        (("identify", "--gallery", "criminal", "1={}/1_2.png", "--max-candidates", "5000000000"), 2, ""),
        (("identify", "--gallery", "criminal", "1={}/1_2.png", "--ppi", "5000000000"), 2, ""),
        (("enrol", "criminal", "{}/empty.an2", "{}/absent.an2"), 2, "absent.an2"),
        (("galleries", "--address", "127.0.0.1:1", "--timeout", "2"), 5, ""),
        (("galleries", "--cert", "{}/1_2.png"), 2, "both or neither"),
    ],
)
def test_exit_codes(run, thumbs, arguments, code, says):
    ended, told = run(*(argument.format(thumbs) for argument in arguments))
    assert (ended, says in told) == (code, True), told
