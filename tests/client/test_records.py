"""The life of a record, through the clients and the command line; and bulk enrolment that goes on after a break."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from typer.testing import CliRunner

from tenprint.client import AsyncClient, Client
from tenprint.client.cli import app
from tenprint.client.types import EmbeddingSample, Enrolment, Fingers, OneEncounter, Originator, Subject
from tests.server.conftest import start_server, unit_vectors

ORI = "ZZCLIENT0"
numbers = iter(range(1, 1000))


def by():
    return Originator(ORI, f"TCN-CLIENT-{next(numbers):04d}")


def enrolment(client, subject, seed):
    model = client.describe("criminal").model_version
    vectors = unit_vectors(np.random.default_rng(seed), (2, 256))
    samples = tuple(EmbeddingSample(position, vectors[position - 1], model) for position in (1, 2))
    return Enrolment(by(), "criminal", Fingers(samples), subject)


def test_the_life_of_a_record(server):
    with Client(server.address) as client:
        one = client.enrol(enrolment(client, "L-1", 1)).encounter_id
        two = client.enrol(enrolment(client, "L-2", 2)).encounter_id
        assert client.minutiae(by(), "criminal", one) == b""  # enrolled as vectors
        sealed = client.seal(by(), "criminal", Subject("L-1"), "order 3")
        assert sealed.encounter_ids == (one,)
        assert [item.sealed for item in client.get(by(), "criminal", "L-1")] == [True]
        client.unseal(by(), "criminal", OneEncounter(one))
        assert client.merge(by(), "criminal", "L-1", "L-2").encounter_ids == (one,)
        assert {item.encounter_id for item in client.get(by(), "criminal", "L-2")} == {one, two}
        assert client.split(by(), "criminal", [one], "L-1").encounter_ids == (one,)
        gone = client.expunge(by(), "criminal", Subject("L-1"), "order 4")
        assert gone.erased_by is not None
        assert gone.erased_by > gone.changed_at
        done = client.history(by(), "criminal", OneEncounter(one))
        assert [item.kind for item in done] == ["enrol", "seal", "unseal", "merge", "split", "expunge"]
        assert [item.reference for item in done] == ["", "order 3", "", "", "", "order 4"]
        assert [(item.previous_subject_id, item.subject_id) for item in done[3:5]] == [("L-1", "L-2"), ("L-2", "L-1")]


async def test_the_life_of_a_record_with_asyncio(server):
    async with AsyncClient(server.address) as client:
        with Client(server.address) as plain:
            asked = enrolment(plain, "A-1", 3)
        one = (await client.enrol(asked)).encounter_id
        assert await client.minutiae(by(), "criminal", one) == b""
        assert (await client.seal(by(), "criminal", Subject("A-1"))).encounter_ids == (one,)
        await client.unseal(by(), "criminal", Subject("A-1"))
        await client.split(by(), "criminal", [one], "A-2")
        await client.split(by(), "criminal", [one], "A-1")
        await client.expunge(by(), "criminal", OneEncounter(one))
        done = await client.history(by(), "criminal", Subject("A-1"))
        assert [item.kind for item in done] == ["enrol", "seal", "unseal", "split", "split", "expunge"]


def test_on_the_command_line(server):
    with Client(server.address) as client:
        one = client.enrol(enrolment(client, "C-1", 4)).encounter_id

    def run(*arguments):
        result = CliRunner().invoke(
            app, ["records", *arguments], env={"TENPRINT_ADDRESS": server.address, "TENPRINT_ORI": ORI}
        )
        return result.exit_code, result.output

    assert run("seal", "criminal", "--subject", "C-1", "--reference", "order 5")[0] == 0
    code, told = run("unseal", "criminal", "--encounter", one, "--json")
    assert (code, json.loads(told)["encounter_ids"]) == (0, [one])
    assert run("split", "criminal", "--encounter", one, "--into", "C-2")[0] == 0
    code, told = run("move", "criminal", "--subject", "C-2", "--into", "immigration")
    assert (code, "does not accept moves" in told) == (4, True)
    code, told = run("expunge", "criminal", "--subject", "C-2")
    assert (code, "the last byte is gone by" in told) == (0, True)
    code, told = run("history", "criminal", "--encounter", one)
    assert code == 0
    assert all(word in told for word in ("enrol", "seal", "split", "expunge"))
    assert run("seal", "criminal")[0] == run("seal", "criminal", "--subject", "a", "--encounter", "b")[0] == 2


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.mark.real
def test_bulk_enrolment_goes_on_after_the_server_was_killed_and_doubles_nothing(real_data, tmp_path):
    """The same cards, the same command, twice, with a kill in between: every card once."""
    every = sorted((real_data / "interchange" / "an2").glob("*.an2"))
    cards = [card for card in every if card.stat().st_size < 500_000]  # the others hold more of the same
    address = f"127.0.0.1:{free_port()}"
    settings = {"database_url": f"sqlite:///{tmp_path}/tenprint.db", "extractor": "mindtct", "listen": address}

    def start(name):
        folder = tmp_path / name
        folder.mkdir()
        return start_server(folder, index_folder=str(tmp_path / "index"), **settings)

    first = start("first")
    command = [
        sys.executable, "-c", "from tenprint.client.cli import main; main()", "enrol", "criminal", *map(str, cards),
        "--json", "--ori", ORI, "--address", address,
    ]  # fmt: skip
    bulk = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    lines = [bulk.stdout.readline()]  # something is acknowledged
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    first.channel.close()
    time.sleep(1)
    second = start("second")
    reader = threading.Thread(target=lambda: lines.extend(bulk.stdout))
    reader.start()
    assert bulk.wait(120) in {0, 3}, bulk.stderr.read()
    reader.join()
    bulk.stdout.close()
    bulk.stderr.close()
    results = [json.loads(line) for line in lines]
    assert [item["file"] for item in results] == [str(card) for card in cards], "one answer a file, in order"
    enrolled = {item["result"]["encounter_id"] for item in results if "encounter_id" in item["result"]}
    assert second.gallery("criminal").encounters == len(enrolled) > 0
    again = subprocess.run(command, capture_output=True, text=True, timeout=120)
    repeated = [json.loads(line)["result"] for line in again.stdout.splitlines()]
    assert {item["encounter_id"] for item in repeated if "encounter_id" in item} == enrolled
    assert all(item["repeated"] for item in repeated if "encounter_id" in item)
    assert second.gallery("criminal").encounters == len(enrolled)
    assert second.stop() == 0
