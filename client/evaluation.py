"""Closed-set identification of a folder of prints: enrol impression 1 of every finger, search all others."""

import csv
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np

from tenprint.client.client import Client
from tenprint.client.console import new_tcn
from tenprint.client.errors import InvalidRequestError, TenprintError
from tenprint.client.types import (
    Enrolment,
    Fingers,
    Identification,
    ImageSample,
    Originator,
    Receipt,
    Sample,
    Search,
    TemplateSample,
)

GALLERY = "evaluation"
ORI = "EVALUATE0"
POSITION = 2
"""The sets do not say which finger an image shows. All are given the same position, so that all compete."""

CANDIDATES = 10
STREAM_SECONDS = 7200.0

_T = TypeVar("_T")


class EvaluationError(Exception):
    """A probe that the server did not search in full: a figure that counted it as a miss would be wrong."""


class Watched(Protocol):
    """Yields what a stream yields, and shows the progress to someone."""

    def __call__(self, stream: Iterator[_T], what: str, total: int) -> Iterable[_T]:
        """Wrap a stream: what is done, and how many items there will be."""
        ...


@dataclass(frozen=True, slots=True)
class Print:
    """One row of a manifest."""

    dataset: str
    finger: str
    impression: int
    path: Path
    ppi: int

    @property
    def name(self) -> str:
        """The finger, unique over datasets."""
        return f"{self.dataset}:{self.finger}"


@dataclass(frozen=True, slots=True)
class Trial:
    """One probe: the rank of its mate (None: not among the first ten, or a failure), and what it took."""

    dataset: str
    rank: int | None
    refused: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """Figures of some probes. A failure to extract, of the probe or of its mate, counts as a miss.

    Attributes:
        fingers: enrolled, or meant to be.
        probes: searched, or meant to be.
        rank_1: share of probes whose mate came first.
        rank_10: share whose mate was among the first ten.
        refused_enrolments: fingers with no usable print.
        refused_probes: probes with none.
        seconds_mean: the server's time for a probe: decode, extract, embed, queue, search, rescore, re-rank; failures
            left out.
        seconds_p50: its median.
        seconds_p95: its 95th percentile.
    """

    fingers: int
    probes: int
    rank_1: float
    rank_10: float
    refused_enrolments: int
    refused_probes: int
    seconds_mean: float
    seconds_p50: float
    seconds_p95: float

    @property
    def refused(self) -> int:
        """Samples without a usable print, enrolled or searched."""
        return self.refused_enrolments + self.refused_probes


@dataclass(frozen=True, slots=True)
class Report:
    """What an evaluation found, and how long its searches took by the clock."""

    form: str
    model_version: str
    datasets: dict[str, Result]
    pooled: Result
    search_wall_seconds: float


def read_manifest(folder: Path) -> list[Print]:
    """The rows of `manifest.csv`: dataset, finger, impression, path, ppi; other columns are ignored.

    Raises:
        ValueError: if a column is missing or a number is none.
        OSError: if it cannot be read.
    """
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        try:
            return [
                Print(row["dataset"], row["finger"], int(row["impression"]), folder / row["path"], int(row["ppi"]))
                for row in csv.DictReader(file)
            ]
        except KeyError as error:
            raise ValueError(f"manifest.csv has no column {error}") from error


def template_path(folder: Path, item: Print) -> Path:
    """Where the template of an image lies: `FVC2002_DB1_B/101_1.png` at `FVC2002/DB1_B/101_1.iso`."""
    return folder / item.dataset.replace("_", "/", 1) / f"{item.path.stem}.iso"


def evaluate(
    client: Client,
    prints: list[Print],
    templates: Path | None,
    watched: Watched,
) -> Report:
    """Enrol the first impressions into the gallery `evaluation`, and search the others.

    Args:
        client: of a server whose gallery `evaluation` is empty.
        prints: what to use.
        templates: folder of ISO templates to use in place of the images.
        watched: shows the progress of a stream.

    Raises:
        TenprintError: if the server fails, or refuses a print for anything but the print (INVALID_ARGUMENT).
        EvaluationError: if it answers a probe partially or with an error.
        OSError: if a print cannot be read.
    """

    def sample(item: Print) -> Sample:
        if templates is None:
            return ImageSample(POSITION, item.path.read_bytes(), item.ppi)
        return TemplateSample(POSITION, template_path(templates, item).read_bytes())

    mates = [item for item in prints if item.impression == 1]
    probes = [item for item in prints if item.impression != 1]
    enrolments = (Enrolment(Originator(ORI, new_tcn()), GALLERY, Fingers((sample(item),)), item.name) for item in mates)
    refused_fingers = {
        mates[number].name
        for number, result in watched(client.enrol_stream(enrolments, STREAM_SECONDS), "enrolling", len(mates))
        if _usable(result) is None
    }
    searches = (
        Search(Originator(ORI, new_tcn()), (GALLERY,), Fingers((sample(item),)), CANDIDATES, -1.0) for item in probes
    )
    begun = time.perf_counter()
    trials = [
        _trial(probes[number], result)
        for number, result in watched(client.identify_stream(searches, STREAM_SECONDS), "identifying", len(probes))
    ]
    wall = time.perf_counter() - begun
    datasets = sorted({item.dataset for item in prints})

    def result_of(names: set[str]) -> Result:
        return _result(
            [item for item in mates if item.dataset in names],
            [trial for trial in trials if trial.dataset in names],
            refused_fingers,
        )

    return Report(
        "images" if templates is None else "templates",
        client.describe(GALLERY).model_version,
        {name: result_of({name}) for name in datasets},
        result_of(set(datasets)),
        wall,
    )


_R = TypeVar("_R", Identification, Receipt)


def _usable(result: _R | TenprintError) -> _R | None:
    """The result; None where the print was refused. Any other failure is the server's, and no figure."""
    if isinstance(result, InvalidRequestError):
        return None
    if isinstance(result, TenprintError):
        raise result
    return result


def _trial(item: Print, result: Identification | TenprintError) -> Trial:
    found = _usable(result)
    if found is None:
        return Trial(item.dataset, None, refused=True, seconds=0.0)
    answer = found.of(GALLERY)
    if not answer.is_complete:
        raise EvaluationError(f"{item.name}_{item.impression}: gallery {GALLERY} answered {answer.outcome}")
    seconds = (
        found.decode_seconds
        + found.extract_seconds
        + found.embed_seconds
        + answer.queue_seconds
        + answer.search_seconds
        + answer.rescore_seconds
        + answer.rerank_seconds
    )
    rank = next((candidate.rank for candidate in answer.candidates if candidate.subject_id == item.name), None)
    return Trial(item.dataset, rank, refused=False, seconds=seconds)


def _result(mates: list[Print], trials: list[Trial], refused_fingers: set[str]) -> Result:
    seconds = np.array([trial.seconds for trial in trials if not trial.refused] or [0.0])
    count = max(len(trials), 1)
    return Result(
        fingers=len(mates),
        probes=len(trials),
        rank_1=sum(trial.rank == 1 for trial in trials) / count,
        rank_10=sum(trial.rank is not None for trial in trials) / count,
        refused_enrolments=sum(item.name in refused_fingers for item in mates),
        refused_probes=sum(trial.refused for trial in trials),
        seconds_mean=float(seconds.mean()),
        seconds_p50=float(np.quantile(seconds, 0.5)),
        seconds_p95=float(np.quantile(seconds, 0.95)),
    )
