"""The generator: open loop, where a call begins when its time has come; closed loop, where each client waits.

In an open loop a call's latency is counted from when it was meant to begin. A server that stalls for a second then
shows in every call of that second, not in the one that happened to be under way (Tene's "coordinated omission").
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from itertools import count, cycle
from random import Random
from typing import Any, Final, Literal

import grpc
from hdrh.histogram import HdrHistogram

from tenprint.client.channel import Target
from tenprint.client.load.probes import Call
from tenprint.v1 import identification_pb2

_HIGHEST_MICROSECONDS: Final = 600_000_000
_CHANNELS: Final = 4
"""Connections that calls take in turn: many clients have more than one between them."""

INCOMPLETE: Final = "INCOMPLETE"
"""Counted beside gRPC's codes: the call was answered, a gallery of it was not, or in part."""


@dataclass(slots=True, eq=False)
class Tally:
    """What became of the calls of a run.

    Attributes:
        codes: calls by gRPC status, or `INCOMPLETE`.
        late: calls answered completely, and after the deadline.
        due: searches of the calls whose time came, unsent ones too.
        complete: searches answered completely.
        good: those of them within the deadline.
        latency: of calls that were answered completely, microseconds, by how many searches they had.
        begun: when the first call was meant to begin, monotonic.
        ended: when the last one ended.
        unsent: calls whose time came while too many were open.
    """

    codes: Counter[str] = field(default_factory=Counter)
    late: int = 0
    due: int = 0
    complete: int = 0
    good: int = 0
    latency: dict[int, Any] = field(default_factory=dict)
    begun: float = 0.0
    ended: float = 0.0
    unsent: int = 0

    def count(self, searches: int, outcome: str, seconds: float, deadline: float) -> None:
        """A call of so many searches has ended, so many seconds after it was meant to begin."""
        self.codes[outcome] += 1
        if outcome != grpc.StatusCode.OK.name:
            return
        self.complete += searches
        if seconds > deadline:
            self.late += 1
        else:
            self.good += searches
        if searches not in self.latency:
            self.latency[searches] = _histogram()
        self.latency[searches].record_value(max(1, min(round(seconds * 1e6), _HIGHEST_MICROSECONDS)))

    def latency_of_all(self) -> Any:
        """The histogram of calls of all sizes."""
        whole = _histogram()
        for one in self.latency.values():
            whole.add(one)
        return whole


class Caller:
    """Sends written requests and reads no more of the answers than whether they are complete.

    Args:
        target: the server.
        deadline: seconds each call may take.
    """

    def __init__(self, target: Target, deadline: float) -> None:
        self.deadline = deadline
        options = [*target.options, ("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
        credentials = target.credentials
        self._channels = [
            grpc.aio.insecure_channel(target.address, options)
            if credentials is None
            else grpc.aio.secure_channel(target.address, credentials, options)
            for _ in range(_CHANNELS)
        ]
        self._single, self._batch = self._method("Identify"), self._method("IdentifyBatch")

    async def close(self) -> None:
        """Close the connections."""
        for channel in self._channels:
            await channel.close()

    async def call(self, call: Call, intended: float, tally: Tally) -> None:
        """Send one call, and count what becomes of it."""
        remaining = self.deadline - (time.monotonic() - intended)
        method = next(self._single if call.searches == 1 else self._batch)
        try:
            answer = await method(call.message, timeout=max(0.0, remaining))
            outcome = grpc.StatusCode.OK.name if complete(answer, call.searches) else INCOMPLETE
        except grpc.aio.AioRpcError as error:
            outcome = error.code().name
        tally.count(call.searches, outcome, time.monotonic() - intended, self.deadline)

    def _method(self, name: str) -> Iterator[Callable[..., Awaitable[bytes]]]:
        """One of the service, on each connection in turn."""
        return cycle([channel.unary_unary(f"/tenprint.v1.Identification/{name}") for channel in self._channels])


def complete(answer: bytes, searches: int) -> bool:
    """Whether an answer to a call of so many searches, as it came over the wire, is whole: no gallery partial or in
    error."""
    if searches == 1:
        responses = [identification_pb2.IdentifyResponse.FromString(answer)]
    else:
        results = identification_pb2.IdentifyBatchResponse.FromString(answer).results
        if any(result.WhichOneof("result") == "status" for result in results):
            return False
        responses = [result.response for result in results]
    whole = (identification_pb2.OUTCOME_CANDIDATES, identification_pb2.OUTCOME_NO_CANDIDATES)
    return all(item.outcome in whole for response in responses for item in response.answers)


def arrivals(kind: Literal["poisson", "constant"], rate: float, seed: int) -> Iterator[float]:
    """When calls begin, seconds from the start, without end: `rate` a second."""
    if kind == "constant":
        yield from (number / rate for number in count())
    random, at = Random(seed), 0.0  # noqa: S311 - for load
    while True:
        yield at
        at += random.expovariate(rate)


async def open_loop(
    caller: Caller, calls: Iterator[Call], times: Iterator[float], seconds: float, *, most_open: int
) -> Tally:
    """Begin calls at their times, whatever has become of those before.

    Args:
        caller: sends them.
        calls: sent in turn; without end.
        times: when each begins.
        seconds: how long calls are begun.
        most_open: calls under way at which further ones are not sent but counted as unsent: the generator's own limit.
    """
    tally, running = Tally(), set[asyncio.Task[None]]()
    tally.begun = time.monotonic()
    for call, after in zip(calls, times, strict=False):
        if after >= seconds:
            break
        tally.due += call.searches
        intended = tally.begun + after
        wait = intended - time.monotonic()
        await asyncio.sleep(max(0.0, wait))
        if len(running) >= most_open:
            tally.unsent += 1
            continue
        task = asyncio.create_task(caller.call(call, intended, tally))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    tally.ended = time.monotonic()
    return tally


async def closed_loop(caller: Caller, calls: Iterator[Call], clients: int, seconds: float) -> Tally:
    """So many clients that each send a call when the one before is answered."""
    tally = Tally()
    tally.begun = time.monotonic()

    async def client() -> None:
        while time.monotonic() < tally.begun + seconds:
            call = next(calls)
            tally.due += call.searches
            await caller.call(call, time.monotonic(), tally)

    await asyncio.gather(*(client() for _ in range(clients)))
    tally.ended = time.monotonic()
    return tally


Step = Callable[[float], Awaitable[Tally]]


async def ramp(step: Step, first: float, growth: float, most_steps: int) -> list[tuple[float, Tally]]:
    """Raise the rate until less than nine tenths of the searches are answered in time, twice; all steps, by rate."""
    done: list[tuple[float, Tally]] = []
    rate, behind = first, 0
    while len(done) < most_steps and behind < 2:
        tally = await step(rate)
        done.append((rate, tally))
        behind = behind + 1 if tally.good < 0.9 * tally.due else 0
        rate *= growth
    return done


def _histogram() -> Any:
    return HdrHistogram(1, _HIGHEST_MICROSECONDS, 3)
