"""The generator: open loop, where a call begins when its time has come; closed loop, where each client waits.

In an open loop a call's latency is counted from when it was meant to begin. A server that stalls for a second then
shows in every call of that second, not in the one that happened to be under way (Tene's "coordinated omission").
"""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, cycle
from random import Random
from typing import Any, Final, Literal

import grpc
from hdrh.histogram import HdrHistogram

from tenprint.client.channel import Target
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
        searches: of one call.
        codes: calls by gRPC status, or `INCOMPLETE`.
        late: calls answered completely, and after the deadline.
        latency: of calls that were answered completely, microseconds.
        begun: when the first call was meant to begin, monotonic.
        ended: when the last one ended.
        unsent: calls whose time came while too many were open.
    """

    searches: int
    codes: Counter[str] = field(default_factory=Counter)
    late: int = 0
    latency: Any = field(default_factory=lambda: HdrHistogram(1, _HIGHEST_MICROSECONDS, 3))
    begun: float = 0.0
    ended: float = 0.0
    unsent: int = 0

    def count(self, outcome: str, seconds: float, deadline: float) -> None:
        """A call has ended, so many seconds after it was meant to begin."""
        self.codes[outcome] += 1
        complete = outcome == grpc.StatusCode.OK.name
        self.late += complete and seconds > deadline
        if complete:
            self.latency.record_value(max(1, min(round(seconds * 1e6), _HIGHEST_MICROSECONDS)))


class Caller:
    """Sends written requests and reads no more of the answers than whether they are complete.

    Args:
        target: the server.
        batch: searches of a call, as the requests were written.
        deadline: seconds each call may take.
    """

    def __init__(self, target: Target, batch: int, deadline: float) -> None:
        self.batch, self.deadline = batch, deadline
        options = [*target.options, ("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
        credentials = target.credentials
        self._channels = [
            grpc.aio.insecure_channel(target.address, options)
            if credentials is None
            else grpc.aio.secure_channel(target.address, credentials, options)
            for _ in range(_CHANNELS)
        ]
        name = "Identify" if batch == 1 else "IdentifyBatch"
        self._methods: Iterator[Callable[..., Awaitable[bytes]]] = cycle(
            [channel.unary_unary(f"/tenprint.v1.Identification/{name}") for channel in self._channels]
        )

    async def close(self) -> None:
        """Close the connections."""
        for channel in self._channels:
            await channel.close()

    async def call(self, request: bytes, intended: float, tally: Tally) -> None:
        """Send one request, and count what becomes of it."""
        remaining = self.deadline - (time.monotonic() - intended)
        try:
            answer = await next(self._methods)(request, timeout=max(0.0, remaining))
            outcome = grpc.StatusCode.OK.name if complete(answer, self.batch) else INCOMPLETE
        except grpc.aio.AioRpcError as error:
            outcome = error.code().name
        tally.count(outcome, time.monotonic() - intended, self.deadline)


def complete(answer: bytes, batch: int) -> bool:
    """Whether an answer to a call of so many searches, as it came over the wire, is whole: no gallery partial or in
    error."""
    if batch == 1:
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
    caller: Caller, requests: Sequence[bytes], times: Iterator[float], seconds: float, *, most_open: int
) -> Tally:
    """Begin calls at their times, whatever has become of those before.

    Args:
        caller: sends them.
        requests: sent in turn.
        times: when each begins.
        seconds: how long calls are begun.
        most_open: calls under way at which further ones are not sent but counted as unsent: the generator's own limit.
    """
    tally, running = Tally(caller.batch), set[asyncio.Task[None]]()
    tally.begun = time.monotonic()
    for request, after in zip(cycle(requests), times, strict=False):
        if after >= seconds:
            break
        intended = tally.begun + after
        wait = intended - time.monotonic()
        await asyncio.sleep(max(0.0, wait))
        if len(running) >= most_open:
            tally.unsent += 1
            continue
        task = asyncio.create_task(caller.call(request, intended, tally))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)
    tally.ended = time.monotonic()
    return tally


async def closed_loop(caller: Caller, requests: Sequence[bytes], clients: int, seconds: float) -> Tally:
    """So many clients that each send a call when the one before is answered."""
    tally, endless = Tally(caller.batch), cycle(requests)
    tally.begun = time.monotonic()

    async def client() -> None:
        while time.monotonic() < tally.begun + seconds:
            await caller.call(next(endless), time.monotonic(), tally)

    await asyncio.gather(*(client() for _ in range(clients)))
    tally.ended = time.monotonic()
    return tally


Step = Callable[[float], Awaitable[Tally]]


async def ramp(step: Step, first: float, growth: float, most_steps: int) -> list[tuple[float, Tally]]:
    """Raise the rate until less than nine tenths of it are answered in time, twice; all steps, with their rates."""
    done: list[tuple[float, Tally]] = []
    rate, behind = first, 0
    while len(done) < most_steps and behind < 2:
        tally = await step(rate)
        done.append((rate, tally))
        good = tally.codes[grpc.StatusCode.OK.name] - tally.late
        behind = behind + 1 if good < 0.9 * (sum(tally.codes.values()) + tally.unsent) else 0
        rate *= growth
    return done
