"""Searches beside writes: every answer is that of one published state."""

import threading
import time

import numpy as np

from tenprint.index import Gallery, Record, SnapshotFolder
from tests.index.oracle import Entry, identify

D = 8
STEPS = 240
K = 6


def test_every_answer_beside_writes_is_that_of_one_published_state(tmp_path):
    folder = SnapshotFolder(tmp_path, lambda _: None)
    rng = np.random.default_rng(0)
    slots = rng.standard_normal((STEPS, 10, D)).astype(np.float32)
    slots[::3, 4:] = 0
    slots /= np.maximum(np.linalg.norm(slots, axis=2, keepdims=True), 1e-9)
    records = [Record(f"e{i:03}", f"s{i // 2:03}", row.reshape(-1)) for i, row in enumerate(slots)]
    probes = np.stack([records[i].vector for i in (0, 50, 101)])
    gallery = Gallery("g", dimension=D, model_version="m")

    # State n of the gallery: a step adds two encounters, and takes one of the step before away after every second one.
    states = [frozenset()]
    writes = []
    for i in range(0, STEPS, 2):
        writes.append({"put": records[i : i + 2]})
        states.append(states[-1] | {i, i + 1})
        if i % 4 == 0 and i:
            writes.append({"drop": [records[i - 1].encounter_id]})
            states.append(states[-1] - {i - 1})

    answers = [[] for _ in range(3)]
    failures = []
    done = threading.Event()
    published = 0  # how many writes have returned

    def read(into):
        try:
            while True:
                finished = done.is_set()
                earliest = published
                batch = gallery.search(probes, K)
                into.append((earliest, published + 1, batch.results))
                if finished:
                    return
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test, whatever it is
            failures.append(error)

    readers = [threading.Thread(target=read, args=(into,)) for into in answers]
    for reader in readers:
        reader.start()
    for number, write in enumerate(writes):
        gallery.apply(**write)
        published += 1
        if number % 25 == 24:
            gallery.snapshot(folder, "store")  # moves every encounter to another segment, and changes no answer
        if published % 6 == 0:  # let the readers, who never pause, get another answer in, however slow the machine
            before = sum(map(len, answers))
            while sum(map(len, answers)) == before and not failures:
                time.sleep(0.001)
    done.set()
    for reader in readers:
        reader.join()

    assert not failures
    # Each state's answer once, by the reference.
    expected = {}

    def answer_of(number):
        if number not in expected:
            held = [Entry(records[i].encounter_id, records[i].subject_id, records[i].vector) for i in states[number]]
            expected[number] = [identify(held, probe, K) for probe in probes]
        return expected[number]

    def agrees(results, number):
        return all(
            result.coverage.total == len(states[number])
            and [(c.subject_id, c.encounter_id) for c in result.candidates]
            == [candidate[:2] for candidate in answer.candidates]
            for result, answer in zip(results, answer_of(number), strict=True)
        )

    seen = set()
    for earliest, latest, results in {a for into in answers for a in into}:
        fitting = [n for n in range(earliest, min(latest, len(writes)) + 1)
                   if len(states[n]) == results[0].coverage.total and agrees(results, n)]  # fmt: skip
        assert fitting, f"an answer between writes {earliest} and {latest} fits no published state"
        seen.add(fitting[0])
    assert len(seen) > 10  # searches did run beside the writes
    assert all(agrees(into[-1][2], len(writes)) for into in answers)


def test_concurrent_writers_lose_nothing():
    vector = np.zeros(10 * D, dtype=np.float32)
    vector[0] = 1
    gallery = Gallery("g", dimension=D, model_version="m")

    def write(name):
        for i in range(40):
            gallery.apply([Record(f"{name}-{i}", name, vector)])
        for i in range(0, 40, 2):
            gallery.apply(drop=[f"{name}-{i}"])

    writers = [threading.Thread(target=write, args=(f"w{n}",)) for n in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert gallery.size == 80
    assert gallery.subjects == 4
    results = gallery.search(vector[np.newaxis], 10).results[0]
    assert [(c.subject_id, c.encounter_id) for c in results.candidates] == [(f"w{n}", f"w{n}-1") for n in range(4)]
