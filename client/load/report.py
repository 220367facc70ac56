"""What a load run found, for people, for machines and as a picture."""

import re
import resource
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from rich.table import Table

from tenprint.client.load.run import Tally

QUANTILES: Final = (50.0, 90.0, 99.0, 99.9)
_SECONDS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used.

    Attributes:
        at: when, monotonic.
        cpu_seconds: processor time since its start.
        resident_bytes: memory now.
    """

    at: float
    cpu_seconds: float
    resident_bytes: float


def server_usage(url: str) -> Usage:
    """The server's, by its metrics.

    Raises:
        OSError: if they cannot be read.
        ValueError: if they are not a tenprint server's.
    """
    with urllib.request.urlopen(url, timeout=_SECONDS) as answer:  # noqa: S310 - the operator names it
        text = answer.read().decode()
    found = dict(re.findall(r"^(process_cpu_seconds_total|process_resident_memory_bytes) (\S+)$", text, re.MULTILINE))
    if len(found) != 2:
        raise ValueError(f"{url} does not tell the process's processor time and memory")
    return Usage(
        time.monotonic(), float(found["process_cpu_seconds_total"]), float(found["process_resident_memory_bytes"])
    )


def own_usage() -> Usage:
    """This process's."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(time.monotonic(), used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


@dataclass(frozen=True, slots=True)
class Figures:
    """One run, or one step of a ramp.

    Attributes:
        offered: searches a second that were to begin; None in a closed loop.
        seconds: from the first call to the last answer.
        calls: ended.
        throughput: searches a second that were answered completely.
        goodput: those of them answered within the deadline.
        latency_ms: quantiles of complete answers, in per cent, milliseconds; empty without any.
        latency_ms_by_batch: likewise, by how many searches a call had.
        histogram: the same answers' HDR histogram, microseconds, as HdrHistogram's V2 encoding in base64: those of
            several generators can be added up, quantiles cannot.
        codes: calls by gRPC status, or INCOMPLETE.
        late: complete answers after the deadline.
        unsent: calls the generator did not send, too many being open.
        server_cores: processor seconds a second; None where no metrics were named.
        server_bytes: resident memory at the end.
        generator_cores: of the generator itself.
    """

    offered: float | None
    seconds: float
    calls: int
    throughput: float
    goodput: float
    latency_ms: dict[str, float] = field(default_factory=dict)
    latency_ms_by_batch: dict[str, dict[str, float]] = field(default_factory=dict)
    histogram: str = ""
    codes: dict[str, int] = field(default_factory=dict)
    late: int = 0
    unsent: int = 0
    server_cores: float | None = None
    server_bytes: float | None = None
    generator_cores: float = 0.0

    @property
    def generator_is_the_limit(self) -> bool:
        """Whether the figures say more of the generator than of the server."""
        return self.generator_cores > 0.8 or self.unsent > 0


def figures(
    tally: Tally, offered: float | None, own: tuple[Usage, Usage], server: tuple[Usage, Usage] | None
) -> Figures:
    """The figures of a run, by what was counted and what was used before and after."""
    seconds = tally.ended - tally.begun
    latency = tally.latency_of_all()
    return Figures(
        offered=offered,
        seconds=seconds,
        calls=sum(tally.codes.values()),
        throughput=tally.complete / seconds,
        goodput=tally.good / seconds,
        latency_ms=_quantiles(latency) if tally.complete else {},
        latency_ms_by_batch={str(searches): _quantiles(one) for searches, one in sorted(tally.latency.items())},
        histogram=latency.encode().decode(),
        codes=dict(tally.codes),
        late=tally.late,
        unsent=tally.unsent,
        server_cores=None if server is None else _cores(*server),
        server_bytes=None if server is None else server[1].resident_bytes,
        generator_cores=_cores(*own),
    )


def _quantiles(histogram: Any) -> dict[str, float]:
    return {f"{q:g}": histogram.get_value_at_percentile(q) / 1000 for q in QUANTILES}


def _cores(before: Usage, after: Usage) -> float:
    return (after.cpu_seconds - before.cpu_seconds) / (after.at - before.at)


def table(steps: Sequence[Figures]) -> Table:
    """For people."""
    made = Table()
    quantiles = (f"p{q:g} ms" for q in QUANTILES)
    for column in ("offered/s", "answered/s", "in time/s", *quantiles, "cores", "GB"):
        made.add_column(column, justify="right")
    for step in steps:
        made.add_row(
            "closed" if step.offered is None else f"{step.offered:.1f}",
            f"{step.throughput:.1f}",
            f"{step.goodput:.1f}",
            *(f"{step.latency_ms[f'{q:g}']:.1f}" if step.latency_ms else "-" for q in QUANTILES),
            "-" if step.server_cores is None else f"{step.server_cores:.2f}",
            "-" if step.server_bytes is None else f"{step.server_bytes / 1e9:.2f}",
        )
    return made


def calls(step: Figures) -> str:
    """What became of a step's calls, and how long those of each size took where there are several, in one line."""
    told = [f"{code} {count}" for code, count in sorted(step.codes.items())]
    told += [f"{what} {count}" for what, count in (("late", step.late), ("unsent", step.unsent)) if count]
    if len(step.latency_ms_by_batch) > 1:
        told += [f"p50 of {size}: {found['50']:.1f} ms" for size, found in step.latency_ms_by_batch.items()]
    return f"{'closed loop' if step.offered is None else f'{step.offered:.1f}/s'}: {', '.join(told)}"


def plot(steps: Sequence[Figures], tallies: Sequence[Tally], path: Path) -> None:
    """A picture: latency by percentile; of a ramp also what was answered by what was offered.

    Raises:
        ModuleNotFoundError: if matplotlib is not installed.
    """
    from matplotlib.figure import Figure

    ramped = len(steps) > 1
    figure = Figure(figsize=(11 if ramped else 6, 4.5), layout="constrained")
    axes: Any = figure.subplots(1, 2 if ramped else 1, squeeze=False)[0]
    marks = [1 - 10 ** (-step / 10) for step in range(36)]
    for step, tally in zip(steps, tallies, strict=True):
        latency = tally.latency_of_all()
        values = [latency.get_value_at_percentile(100 * mark) / 1000 for mark in marks]
        name = "closed loop" if step.offered is None else f"{step.offered:.0f}/s"
        axes[0].plot([1 / (1 - mark) for mark in marks], values, label=name)
    axes[0].set(xscale="log", yscale="log", xlabel="1 / (1 - quantile)", ylabel="latency, ms", title="Latency")
    axes[0].legend()
    if ramped:
        offered = [step.offered for step in steps]
        axes[1].plot(offered, offered, "--", color="grey", label="offered")
        axes[1].plot(offered, [step.throughput for step in steps], marker="o", label="answered")
        axes[1].plot(offered, [step.goodput for step in steps], marker="o", label="in time")
        axes[1].set(xlabel="searches offered a second", ylabel="searches a second", title="Saturation")
        axes[1].legend()
    figure.savefig(path)
