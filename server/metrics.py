"""What Prometheus sees. Names follow its conventions; no label ever carries something about a person or an agency."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version

from prometheus_client import (
    Counter,
    Gauge,
    Histogram,
    Info,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tenprint.index.gallery import Gallery
from tenprint.server.recall import Recall
from tenprint.server.rpc_metrics import SECONDS, RpcMetrics
from tenprint.store import StoreUnavailableError

_STAGE_SECONDS = (0.0001, 0.00025, 0.0005, *SECONDS)

_BATCH = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class _StateCollector(Collector):
    """The state of galleries and store, read when Prometheus asks."""

    def __init__(
        self,
        galleries: Collection[Gallery],
        position: Callable[[], int],
        lag: Callable[[], int],
        snapshot_ages: Callable[[], Mapping[str, float]],
        oldest_unerased: Callable[[], datetime | None],
        recall: Callable[[], Mapping[str, Recall]],
    ) -> None:
        self._galleries, self._position, self._lag = galleries, position, lag
        self._recall = recall
        self._snapshot_ages, self._oldest_unerased = snapshot_ages, oldest_unerased

    def collect(self) -> Iterable[Metric]:
        encounters = GaugeMetricFamily("tenprint_gallery_encounters", "Captures a gallery holds.", labels=["gallery"])
        subjects = GaugeMetricFamily("tenprint_gallery_subjects", "Persons a gallery holds.", labels=["gallery"])
        sizes = GaugeMetricFamily(
            "tenprint_gallery_bytes",
            "Bytes a gallery takes, in memory and mapped from files.",
            labels=["gallery", "kind"],
        )
        dead = GaugeMetricFamily(
            "tenprint_gallery_dead_encounters", "Removed captures that still take room.", labels=["gallery"]
        )
        segments = GaugeMetricFamily(
            "tenprint_gallery_segments", "Blocks of vectors, by state.", labels=["gallery", "state"]
        )
        for gallery in self._galleries:
            described = gallery.describe()
            encounters.add_metric([gallery.name], described.records)
            subjects.add_metric([gallery.name], described.subjects)
            sizes.add_metric([gallery.name, "memory"], described.memory_bytes)
            sizes.add_metric([gallery.name, "file"], described.file_bytes)
            dead.add_metric([gallery.name], described.dead)
            for state, count in described.segments.items():
                segments.add_metric([gallery.name, state], count)
        age = GaugeMetricFamily(
            "tenprint_snapshot_age_seconds",
            "Seconds since the last snapshot, or since the start.",
            labels=["gallery"],
        )
        for name, seconds in self._snapshot_ages().items():
            age.add_metric([name], seconds)
        sampled = GaugeMetricFamily(
            "tenprint_recall_sampled_probes", "Latest probes that were searched again, exactly.", labels=["gallery"]
        )
        recall = GaugeMetricFamily(
            "tenprint_recall_ratio", "Share of those whose best candidate the usual search found.", labels=["gallery"]
        )
        bound = GaugeMetricFamily(
            "tenprint_recall_lower_bound_ratio", "Lower end of its 95 % interval (Wilson).", labels=["gallery"]
        )
        for name, found in self._recall().items():
            sampled.add_metric([name], found.probes)
            if found.probes:
                recall.add_metric([name], found.kept / found.probes)
                bound.add_metric([name], found.lower_bound)
        position = GaugeMetricFamily("tenprint_position", "Number of the last operation that searches see.")
        position.add_metric([], self._position())
        lag = GaugeMetricFamily("tenprint_lag_operations", "Operations committed that no search sees yet.")
        lag.add_metric([], self._lag())
        unerased = GaugeMetricFamily(
            "tenprint_oldest_unerased_seconds", "Age of the oldest expunction whose bytes are not gone yet; 0: none."
        )
        try:
            oldest = self._oldest_unerased()
        except StoreUnavailableError:
            pass  # absent, which an alert on absence tells from 0; the rest of the scrape stands
        else:
            unerased.add_metric([], 0.0 if oldest is None else (datetime.now(UTC) - oldest).total_seconds())
        return (encounters, subjects, sizes, dead, segments, age, sampled, recall, bound, position, lag, unerased)


@dataclass(slots=True, eq=False)
class Metrics(RpcMetrics):
    """The matching server's metrics."""

    searches: Counter = field(init=False)
    probes: Counter = field(init=False)
    outcomes: Counter = field(init=False)
    dropped: Counter = field(init=False)
    samples: Counter = field(init=False)
    enrolments: Counter = field(init=False)
    change_seconds: Histogram = field(init=False)
    operations: Counter = field(init=False)
    fsync_seconds: Histogram = field(init=False)
    snapshot_seconds: Histogram = field(init=False)
    snapshot_failures: Counter = field(init=False)
    snapshots_refused: Counter = field(init=False)
    recovery_seconds: Gauge = field(init=False)
    recovery_operations: Gauge = field(init=False)
    batch_probes: Histogram = field(init=False)
    preparation_seconds: Histogram = field(init=False)
    search_seconds: Histogram = field(init=False)

    def __post_init__(self) -> None:
        RpcMetrics.__post_init__(self)  # `super()` does not know a class that slots made anew
        r = self.registry
        self.searches = Counter(
            "tenprint_searches", "Searches of a gallery, each of one batch of probes.", ("gallery",), registry=r
        )
        self.probes = Counter("tenprint_probes", "Probes searched in a gallery.", ("gallery",), registry=r)
        self.outcomes = Counter("tenprint_answers", "Answers, by outcome.", ("gallery", "outcome"), registry=r)
        self.dropped = Counter(
            "tenprint_dropped_probes", "Probes dropped unsearched, by reason.", ("gallery", "reason"), registry=r
        )
        self.samples = Counter(
            "tenprint_samples", "Samples received, by what became of them.", ("form", "status"), registry=r
        )
        self.enrolments = Counter("tenprint_enrolments", "Encounters enrolled.", ("gallery",), registry=r)
        self.change_seconds = Histogram(
            "tenprint_change_seconds",
            "Seconds of a change: written, committed to disk (both of a transaction), applied to the indexes.",
            ("stage",), buckets=_STAGE_SECONDS, registry=r,
        )  # fmt: skip
        self.recovery_seconds = Gauge(
            "tenprint_recovery_seconds",
            "Seconds the last start took to bring the indexes up.",
            registry=r,
        )
        self.recovery_operations = Gauge(
            "tenprint_recovery_operations", "Operations of the log the last start applied to snapshots.", registry=r
        )
        self.operations = Counter("tenprint_applied_operations", "Operations of the log applied.", registry=r)
        self.fsync_seconds = Histogram(
            "tenprint_snapshot_fsync_seconds", "Seconds of an fsync of a snapshot's file.", buckets=_STAGE_SECONDS,
            registry=r,
        )  # fmt: skip
        self.snapshot_seconds = Histogram(
            "tenprint_snapshot_seconds", "Seconds to write a snapshot of a gallery.", buckets=SECONDS, registry=r
        )
        self.snapshot_failures = Counter(
            "tenprint_snapshot_failures", "Snapshots the disk did not take.", ("gallery",), registry=r
        )
        self.snapshots_refused = Counter(
            "tenprint_snapshots_refused", "Snapshots not used at the last start, being damaged or another's.",
            ("gallery",), registry=r,
        )  # fmt: skip
        self.batch_probes = Histogram(
            "tenprint_search_batch_probes", "Probes in one search.", ("gallery",), buckets=_BATCH, registry=r
        )
        self.preparation_seconds = Histogram(
            "tenprint_preparation_seconds", "Seconds a capture spent in a stage before the search.", ("stage",),
            buckets=_STAGE_SECONDS, registry=r,
        )  # fmt: skip
        self.search_seconds = Histogram(
            "tenprint_search_stage_seconds", "Seconds a probe spent in a stage of a gallery's search.",
            ("gallery", "stage"), buckets=_STAGE_SECONDS, registry=r,
        )  # fmt: skip

    def observe_transaction(self, stage: str, seconds: float) -> None:
        """Count a stage of a transaction of the store: "write" or "commit"."""
        self.change_seconds.labels(stage).observe(seconds)

    def watch(
        self,
        *,
        galleries: Collection[Gallery],
        position: Callable[[], int],
        lag: Callable[[], int],
        snapshot_ages: Callable[[], Mapping[str, float]],
        oldest_unerased: Callable[[], datetime | None],
        recall: Callable[[], Mapping[str, Recall]],
    ) -> None:
        """Export the state of galleries and store at every scrape.

        Args:
            galleries: those served.
            position: number of the last operation that searches see.
            lag: operations committed that they do not see yet.
            snapshot_ages: seconds since each gallery's last snapshot.
            oldest_unerased: when the oldest expunction was whose bytes are not gone yet.
            recall: of each gallery, by its sampled probes.
        """
        self.registry.register(_StateCollector(galleries, position, lag, snapshot_ages, oldest_unerased, recall))

    def tell_build(self, model_version: str) -> None:
        """Export which build this is and which model it serves."""
        Info("tenprint_build", "The build that runs.", registry=self.registry).info(
            {"version": version("tenprint"), "model_version": model_version}
        )
