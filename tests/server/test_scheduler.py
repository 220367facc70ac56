"""Whose turn it is, what is refused at the door, and what is dropped."""

import asyncio
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenprint.index import Coverage, SearchBatch, SearchResult, SearchTiming
from tenprint.server.errors import DeadlinePassedError, OverloadedError, ShuttingDownError, TooLateError
from tenprint.server.metrics import Metrics
from tenprint.server.queues import AGEING_SECONDS, Claim, TurnQueue
from tenprint.server.scheduler import Probe, Scheduler

claims = st.lists(st.tuples(st.integers(1, 9), st.sampled_from("ABC")), max_size=40)


def queued(drawn, since=None):
    queue = TurnQueue()
    for number, (priority, agency) in enumerate(drawn):
        queue.add(Claim(priority, agency, time.monotonic() if since is None else since), number)
    return queue


@given(claims, st.integers(1, 10))
def test_everything_is_taken_once_and_the_first_priority_first(drawn, most):
    queue, taken = queued(drawn), []
    while len(queue):
        batch = queue.take(most)
        assert 1 <= len(batch) <= most
        taken.append(batch)
    flat = [number for batch in taken for number in batch]
    assert sorted(flat) == list(range(len(drawn)))
    for batch in taken[:-1]:
        later = flat[flat.index(batch[-1]) + 1 :]
        assert max(drawn[number][0] for number in batch) <= min((drawn[number][0] for number in later), default=9)


@given(claims, st.integers(1, 9), st.sampled_from("ABCD"))
def test_as_many_are_taken_before_a_new_one_as_was_said(drawn, priority, agency):
    queue = queued(drawn)
    new = Claim(priority, agency)
    said = queue.ahead(new)
    queue.add(new, "new")
    order = []
    while len(queue):
        order += queue.take(1)
    assert order.index("new") == said


def test_a_bulk_client_does_not_starve_another_agency():
    for most in (1, 8):
        queue = queued([(9, "bulk")] * 1000 + [(9, "county")] * 3)
        taken = [number for _ in range(8 // most) for number in queue.take(most)]
        assert {1000, 1001, 1002} <= set(taken)
        queue.add(Claim(9, "state"), "late")
        assert "late" in queue.take(2)


def test_waiting_lifts_the_priority_until_nothing_stands_before_it():
    queue = TurnQueue()
    queue.add(Claim(9, "A", time.monotonic() - 8.5 * AGEING_SECONDS), "old")
    queue.add(Claim(1, "B"), "urgent")
    queue.add(Claim(2, "C"), "next")
    assert queue.take(1) == ["old"]
    assert queue.take(2) == ["urgent", "next"]


class StubGallery:
    """Answers when it is let, and remembers what it was asked."""

    def __init__(self, name="criminal", seconds=0.0):
        self.name, self.seconds, self.asked = name, seconds, []
        self.go, self.entered = threading.Event(), threading.Event()
        self.go.set()

    def search(self, probes, k):
        self.asked.append(probes[:, 0].tolist())
        self.entered.set()
        self.go.wait()
        time.sleep(self.seconds)
        result = SearchResult((), Coverage(0, 0, 0))
        return SearchBatch((result,) * len(probes), SearchTiming(0.0, 0.0))


@pytest.fixture
def start():
    started = []

    def make(*galleries, max_queued=100, max_batch=4):
        metrics = Metrics()
        held = {gallery.name: gallery for gallery in galleries}
        started.append((Scheduler(held, metrics, max_queued=max_queued, max_batch=max_batch), galleries))
        return started[-1][0], metrics

    yield make
    for scheduler, galleries in started:
        for gallery in galleries:
            gallery.go.set()
        scheduler.close()


def probe(number):
    return Probe(np.full(10, number, dtype=np.float32), position_known=True)


def ask(scheduler, number, *, gallery="criminal", seconds=60.0, priority=9, agency="A"):
    claim = Claim(priority, agency)
    return scheduler.search([gallery], probe(number), 5, time.monotonic() + seconds, claim)[gallery]


def dropped(metrics, reason, gallery="criminal"):
    return metrics.registry.get_sample_value("tenprint_dropped_probes_total", {"gallery": gallery, "reason": reason})


def until_idle(scheduler):
    while not scheduler.idle:
        time.sleep(0.001)


async def behind_a_running_search(scheduler, gallery):
    """Let a search run that does not end until `go` is set."""
    gallery.go.clear()
    gallery.entered.clear()
    first = ask(scheduler, 0)
    assert await asyncio.to_thread(gallery.entered.wait, 10)
    return first


async def behind_ten_of_known_cost(scheduler, gallery):
    """Let it learn what a search costs; then one runs that does not end until `go` is set, and ten wait."""
    for number in range(3):
        await ask(scheduler, number)
    first = await behind_a_running_search(scheduler, gallery)
    waiting = [ask(scheduler, number) for number in range(10, 20)]
    await asyncio.sleep(0)
    return [first, *waiting]


async def test_what_waits_together_is_searched_together_and_in_turn(start):
    gallery = StubGallery()
    scheduler, _ = start(gallery)
    first = await behind_a_running_search(scheduler, gallery)
    rest = [ask(scheduler, number) for number in (1, 2, 3)] + [
        ask(scheduler, 4, agency="B"),
        ask(scheduler, 5, priority=1),
    ]
    await asyncio.sleep(0)
    gallery.go.set()
    await asyncio.gather(first, *rest)
    assert gallery.asked == [[0], [5, 1, 4, 2], [3]]


async def test_galleries_take_turns(start):
    busy, other = StubGallery("criminal"), StubGallery("immigration")
    scheduler, _ = start(busy, other, max_batch=1)
    first = await behind_a_running_search(scheduler, busy)
    tasks = [ask(scheduler, number) for number in (1, 2, 3)] + [ask(scheduler, 9, gallery="immigration")]
    order = []
    for task in tasks:
        task.add_done_callback(lambda done: order.append(tasks.index(done)))
    await asyncio.sleep(0)
    busy.go.set()
    await asyncio.gather(first, *tasks)
    await asyncio.sleep(0)
    assert order.index(3) <= 1


async def test_expired_and_cancelled_probes_are_never_searched_and_counted_by_reason(start):
    gallery = StubGallery()
    scheduler, metrics = start(gallery)
    first = await behind_a_running_search(scheduler, gallery)
    late, gone, kept = ask(scheduler, 1, seconds=0.05), ask(scheduler, 2), ask(scheduler, 3)
    await asyncio.sleep(0.1)
    gone.cancel()
    await asyncio.sleep(0)
    gallery.go.set()
    await asyncio.gather(first, kept)
    with pytest.raises(DeadlinePassedError):
        await late
    assert gallery.asked == [[0], [3]]
    assert (dropped(metrics, "expired"), dropped(metrics, "cancelled")) == (1, 1)


async def test_a_probe_whose_turn_takes_more_than_a_quarter_of_its_time_to_come_is_refused(start):
    gallery = StubGallery(seconds=0.2)
    scheduler, metrics = start(gallery, max_batch=1)
    ahead = await behind_ten_of_known_cost(scheduler, gallery)
    with pytest.raises(TooLateError):  # 2.4 s from now it would be done
        await ask(scheduler, 99, seconds=6.0)
    assert dropped(metrics, "too_late") == 1
    patient = ask(scheduler, 50, seconds=30.0)
    gallery.go.set()
    await asyncio.gather(patient, *ahead)


async def test_what_cannot_be_done_in_time_is_refused_when_it_comes_with_a_time_to_come_back(start):
    gallery = StubGallery(seconds=0.2)
    scheduler, metrics = start(gallery, max_batch=1)
    ahead = await behind_ten_of_known_cost(scheduler, gallery)
    with pytest.raises(TooLateError) as caught:
        await ask(scheduler, 99, seconds=0.5)
    (retry,) = caught.value.details()
    assert retry.retry_delay.seconds >= 1
    assert dropped(metrics, "too_late") == 1
    # The same deadline is enough for what goes before the others.
    urgent = ask(scheduler, 50, seconds=2.0, priority=1)
    gallery.go.set()
    await asyncio.gather(urgent, *ahead)
    assert gallery.asked[3:5] == [[0], [50]]
    assert [99] not in gallery.asked


async def test_an_idle_server_refuses_nothing_however_slow_it_was(start):
    gallery = StubGallery(seconds=0.5)
    scheduler, _ = start(gallery)
    await ask(scheduler, 1)
    gallery.seconds = 0.0
    await asyncio.to_thread(until_idle, scheduler)
    await ask(scheduler, 2, seconds=0.4)
    assert gallery.asked == [[1], [2]]


async def test_what_comes_after_a_search_counts_as_time_too(start):
    gallery = StubGallery()
    scheduler, _ = start(gallery)
    done = ask(scheduler, 1)
    await done
    await asyncio.sleep(0.2)
    first = await behind_a_running_search(scheduler, gallery)
    ask(scheduler, 2, seconds=0.15).cancel()
    for _ in range(100):  # answers take 0.2 s
        scheduler.answered([done])
    with pytest.raises(TooLateError):
        ask(scheduler, 3, seconds=0.15)
    gallery.go.set()
    await first


async def test_a_full_queue_refuses(start):
    gallery = StubGallery()
    scheduler, metrics = start(gallery, max_queued=2)
    first = await behind_a_running_search(scheduler, gallery)
    waiting = [ask(scheduler, number) for number in (1, 2)]
    await asyncio.sleep(0)
    with pytest.raises(OverloadedError):
        await ask(scheduler, 3)
    assert dropped(metrics, "queue_full") == 1
    gallery.go.set()
    await asyncio.gather(first, *waiting)


async def test_a_probe_is_searched_in_all_its_galleries_or_in_none(start):
    busy, other = StubGallery("criminal"), StubGallery("immigration")
    scheduler, metrics = start(busy, other, max_queued=1)
    first = await behind_a_running_search(scheduler, busy)
    waiting = ask(scheduler, 1)
    both, claim = ["immigration", "criminal"], Claim(9, "A")
    with pytest.raises(OverloadedError):
        scheduler.admit(both, time.monotonic() + 60, claim)
    with pytest.raises(OverloadedError):
        scheduler.search(both, probe(2), 5, time.monotonic() + 60, claim)
    assert dropped(metrics, "queue_full") == 2
    busy.go.set()
    await asyncio.gather(first, waiting)
    scheduler.admit(both, time.monotonic() + 60, claim)
    await asyncio.gather(*scheduler.search(both, probe(3), 5, time.monotonic() + 60, claim).values())
    assert (busy.asked, other.asked) == ([[0], [1], [3]], [[3]])


async def test_what_waits_is_finished_before_the_end_and_nothing_new_is_taken(start):
    gallery = StubGallery()
    scheduler, _ = start(gallery)
    first = await behind_a_running_search(scheduler, gallery)
    waiting = ask(scheduler, 1)
    await asyncio.sleep(0)
    closing = asyncio.create_task(asyncio.to_thread(scheduler.close))
    await asyncio.sleep(0.05)
    with pytest.raises(ShuttingDownError):
        await ask(scheduler, 2)
    gallery.go.set()
    await asyncio.gather(first, waiting, closing)
    assert scheduler.idle


async def test_an_error_of_a_search_reaches_its_callers_and_the_next_search_runs(start):
    gallery = StubGallery()
    scheduler, _ = start(gallery)
    answer, gallery.search = gallery.search, lambda *_: 1 / 0
    with pytest.raises(ZeroDivisionError):
        await ask(scheduler, 1)
    gallery.search = answer
    await ask(scheduler, 2)
