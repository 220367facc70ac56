"""Agencies and policy from files, by the command line, on the database of a workflow."""

import csv
import io
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tenprint.client.cli import app
from tenprint.store import Database
from tenprint.workflow import agency_files, outbox, schema
from tenprint.workflow.agencies import Agency
from tenprint.workflow.agency_files import AgencyFileError
from tenprint.workflow.outbox import Dissemination, NewMessage
from tenprint.workflow.schema import MIGRATIONS
from tenprint.workflow.types import Channel, MessageKind, Role

DEPLOY = Path(__file__).parents[2] / "deploy"
HEADER = "ori,name,role,jurisdiction,bureau,field_office,can_receive,channel,address,purposes,reviews_both"


@pytest.fixture
def tenprint(tmp_path):
    """Runs the command on a database of its own: its exit code, output and complaint."""
    runner, url = CliRunner(), f"sqlite:///{tmp_path}/workflow.db"

    def run(*arguments):
        result = runner.invoke(app, list(map(str, arguments)), env={"TENPRINT_WORKFLOW_DATABASE_URL": url})
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr

    run.url = url
    return run


def test_the_examples_say_the_same_as_csv_and_as_yaml(tenprint):
    code, out, _ = tenprint("agencies", "import", DEPLOY / "agencies.example.yaml", "--dry-run", "--json")
    assert (code, len(json.loads(out)["added"])) == (0, 6)
    code, out, _ = tenprint("agencies", "import", DEPLOY / "agencies.example.yaml", "--json")
    assert (code, len(json.loads(out)["added"])) == (0, 6)  # the dry run changed nothing
    assert json.loads(out)["without_secret"] == ["ZZBUREAU0"]
    code, out, _ = tenprint("agencies", "import", DEPLOY / "agencies.example.csv", "--json")
    assert (code, len(json.loads(out)["unchanged"])) == (0, 6)


def test_a_secret_is_shown_once_and_outlives_an_import(tenprint):
    tenprint("agencies", "import", DEPLOY / "agencies.example.yaml")
    code, secret, _ = tenprint("agencies", "secret", "ZZBUREAU0")
    assert (code, secret.startswith("whsec_")) == (0, True)
    _, out, _ = tenprint("agencies", "import", DEPLOY / "agencies.example.csv", "--json")
    assert json.loads(out)["without_secret"] == []
    _, out, _ = tenprint("agencies", "list", "--json")
    assert secret.strip() not in out
    assert {item["ori"]: item["secret"] for item in json.loads(out)}["ZZBUREAU0"] is True
    assert tenprint("agencies", "secret", "ZZNOBODY0")[0] == 4


def test_every_fault_is_told_with_its_line_and_field_and_nothing_is_taken(tenprint, tmp_path):
    file = tmp_path / "bad.csv"
    file.write_text(
        f"{HEADER}\n"
        "ZZ1,A,booking,J,,,maybe,fax,,,\n"
        "\n"
        "ZZ0000001,A,booking,J,,,,webhook,,,\n"
        "ZZ0000002,A,booking,J,,,,webhook,http://elsewhere.example/,,\n"
        "ZZ0000003,A,oversight,J,ZZ0000002,,,,,c,\n"
        "ZZ0000004,A,booking,J\n"
    )
    code, out, _ = tenprint("agencies", "import", file, "--json")
    assert code == 4
    assert [item["line"] for item in json.loads(out)["problems"]] == [7]  # a row of other length: read no further
    file.write_text(file.read_text().rsplit("\n", 2)[0] + "\n")
    code, out, told = tenprint("agencies", "import", file, "--json")
    found = {(item["line"], item["field"]) for item in json.loads(out)["problems"]}
    assert found == {
        (2, "ori"), (2, "can_receive"), (2, "channel"), (4, "address"), (5, "address"), (6, "purposes")
    }  # fmt: skip
    assert "line 5, address: must be https" in told
    file.write_text(f"{HEADER}\nZZ0000001,A,booking,J,ZZ0000009,ZZ0000002,,,,,\nZZ0000002,B,oversight,J,,,,,,,\n")
    _, out, _ = tenprint("agencies", "import", file, "--json")
    assert {(item["line"], item["field"]) for item in json.loads(out)["problems"]} == {
        (2, "bureau"),
        (2, "field_office"),
    }
    assert json.loads(tenprint("agencies", "list", "--json")[1]) == []


def test_what_waits_for_an_agency_goes_the_way_that_its_new_profile_says(tenprint, tmp_path):
    tenprint("agencies", "import", DEPLOY / "agencies.example.yaml")
    database = Database(tenprint.url, migrations=MIGRATIONS)
    to = Agency("ZZBUREAU0", "Bureau", Role.STATE_BUREAU, "E", channel=Channel.WEBHOOK, address="https://old.example/")
    message = NewMessage(MessageKind.ANSWER, "x", to, {}, "none")
    database.write(lambda connection: outbox.put(connection, message, Dissemination((), "C", 0)))
    moved = (DEPLOY / "agencies.example.csv").read_text().replace("bureau.example", "new.example")
    file = tmp_path / "moved.csv"
    file.write_text(moved)
    tenprint("agencies", "import", file)
    with database.read() as connection:
        (row,) = connection.execute(schema.message.select())
    database.close()
    assert row.address == "https://new.example/tenprint"


def test_policy_is_a_new_version_each_time(tenprint, tmp_path):
    assert "# version 0" in tenprint("policy", "show")[1]
    assert tenprint("policy", "set", DEPLOY / "policy.example.yaml", "--author", "somebody")[0] == 0
    shown = tenprint("policy", "show")[1]
    assert shown.startswith("# version 1")
    copy = tmp_path / "copy.yaml"
    copy.write_text(shown)
    assert tenprint("policy", "set", copy, "--author", "another")[0] == 0
    _, out, _ = tenprint("policy", "history", "--json")
    assert [(item["version"], item["author"]) for item in json.loads(out)] == [(2, "another"), (1, "somebody")]
    assert yaml.safe_load(tenprint("policy", "show", "--version", 2)[1]) == yaml.safe_load(shown)
    copy.write_text("bands: {criminal: {match_fpir: 2}}\nshares: {booking: [name]}\n")
    code, _, told = tenprint("policy", "set", copy, "--author", "another")
    assert code == 4
    assert "bands.criminal.match_fpir" in told
    assert tenprint("policy", "show", "--version", 9)[0] == 4


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=30)
ORIS = st.from_regex(r"[A-Z0-9]{9}", fullmatch=True)
AGENCIES = st.builds(
    Agency,
    ORIS,
    NAMES,
    st.sampled_from(Role),
    NAMES,
    can_receive=st.booleans(),
    channel=st.sampled_from([Channel.STREAM, Channel.FOLDER]),
    purposes=st.lists(st.from_regex(r"[A-Z]{1,8}", fullmatch=True), min_size=1, max_size=4).map(tuple),
    reviews_both=st.booleans(),
)


def _written(agencies, suffix):
    if suffix == ".csv":
        text = io.StringIO(newline="")
        out = csv.writer(text)
        out.writerow(HEADER.split(","))
        for item in agencies:
            out.writerow(
                [item.ori, item.name, item.role, item.jurisdiction, "", "", item.can_receive, item.channel, "",
                 " ".join(item.purposes), item.reviews_both]
            )  # fmt: skip
        return text.getvalue().encode()
    rows = [
        {"ori": item.ori, "name": item.name, "role": item.role.value, "jurisdiction": item.jurisdiction,
         "can_receive": item.can_receive, "channel": item.channel.value, "purposes": list(item.purposes),
         "reviews_both": item.reviews_both}
        for item in agencies
    ]  # fmt: skip
    return yaml.safe_dump({"agencies": rows}, allow_unicode=True).encode()


@given(st.lists(AGENCIES, max_size=5, unique_by=lambda item: item.ori), st.sampled_from([".csv", ".yaml"]))
def test_what_was_written_is_read(agencies, suffix):
    assert list(agency_files.read(_written(agencies, suffix), suffix, plain_webhooks=False).values()) == agencies


@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(str.encode)), st.sampled_from([".csv", ".yaml"]))
def test_what_is_no_list_of_agencies_is_refused_and_breaks_nothing(content, suffix):
    for body in (content, b"agencies:\n- " + content, HEADER.encode() + b"\n" + content):
        problems = _problems(body, suffix)
        assert all(problem.line >= 1 and problem.message for problem in problems)


def _problems(body, suffix):
    try:
        agency_files.read(body, suffix, plain_webhooks=False)
    except AgencyFileError as error:
        return error.problems
    return ()
