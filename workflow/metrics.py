"""What Prometheus sees of the workflow. No label ever carries something about a person or an agency."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tenprint.server.rpc_metrics import SECONDS, RpcMetrics
from tenprint.store import StoreUnavailableError

_PREFIX: Final = "tenprint_workflow"


@dataclass(slots=True, eq=False)
class WorkflowMetrics(RpcMetrics):
    """The workflow's metrics."""

    submissions: Counter = field(init=False)
    leg_answers: Counter = field(init=False)
    matcher_seconds: Histogram = field(init=False)
    deliveries: Counter = field(init=False)
    dropped_files: Counter = field(init=False)

    def __post_init__(self) -> None:
        RpcMetrics.__post_init__(self)  # `super()` does not know a class that slots made anew
        r = self.registry
        self.submissions = Counter(
            f"{_PREFIX}_submissions", "Files submitted, by what became.", ("outcome",), registry=r
        )
        self.leg_answers = Counter(
            f"{_PREFIX}_leg_answers", "Answers of the matchers, by outcome.", ("gallery", "outcome"), registry=r
        )
        self.matcher_seconds = Histogram(
            f"{_PREFIX}_matcher_seconds",
            "Seconds a matcher took, failures included.",
            ("gallery", "call"),
            buckets=SECONDS,
            registry=r,
        )
        self.deliveries = Counter(
            f"{_PREFIX}_deliveries",
            "Attempts to deliver a message, by outcome; expired: not acknowledged in time, and its content erased.",
            ("kind", "channel", "outcome"),
            registry=r,
        )
        self.dropped_files = Counter(
            f"{_PREFIX}_dropped_files",
            "Files of the drop folder, by what became of an attempt: taken, refused, postponed, given_up.",
            ("outcome",),
            registry=r,
        )

    def watch(self, waiting: Callable[[], Mapping[tuple[str, str], int]]) -> None:
        """Export, at every scrape, how many rows wait: by (what, state)."""
        self.registry.register(_Waiting(waiting))

    def watch_outbox(self, look: Callable[[], tuple[Mapping[str, float], int]]) -> None:
        """Export, at every scrape, each channel's oldest waiting message, and notices without a subscription."""
        self.registry.register(_Outbox(look))


class _Waiting(Collector):
    """What waits in the database, read when Prometheus asks."""

    def __init__(self, waiting: Callable[[], Mapping[tuple[str, str], int]]) -> None:
        self._waiting = waiting

    def collect(self) -> Iterable[Metric]:
        rows = GaugeMetricFamily(
            f"{_PREFIX}_waiting", "Legs, cases, messages and findings, by state.", labels=["what", "state"]
        )
        try:
            counts = self._waiting()
        except StoreUnavailableError:
            return ()  # absent, which an alert on absence tells from 0; the rest of the scrape stands
        for (what, state), count in counts.items():
            rows.add_metric([what, state], count)
        return (rows,)


class _Outbox(Collector):
    """How late the outbox is, read when Prometheus asks."""

    def __init__(self, look: Callable[[], tuple[Mapping[str, float], int]]) -> None:
        self._look = look

    def collect(self) -> Iterable[Metric]:
        oldest = GaugeMetricFamily(
            f"{_PREFIX}_oldest_message_seconds", "Age of the oldest waiting message.", labels=["channel"]
        )
        unsubscribed = GaugeMetricFamily(
            f"{_PREFIX}_unsubscribed_notices", "Notices that fitted no subscription and went by the office's profile."
        )
        try:
            ages, count = self._look()
        except StoreUnavailableError:
            return ()
        for channel, seconds in ages.items():
            oldest.add_metric([channel], seconds)
        unsubscribed.add_metric([], count)
        return (oldest, unsubscribed)
