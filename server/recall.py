"""How often scan codes lose the best candidate: a share of live probes is searched again, exactly, in idle time."""

import math
import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from tenprint.index import Gallery

_WAITING: Final = 16
"""Probes that may wait to be searched again; while so many do, no more are taken."""

_KEPT: Final = 1000
"""Probes of a gallery that the rolling recall is of."""

_IDLE_SECONDS: Final = 0.05
_NORMAL_95: Final = 1.96

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Recall:
    """Of the latest probes searched again, how many kept their best candidate.

    Attributes:
        kept: those that did.
        probes: all of them.
    """

    kept: int
    probes: int

    @property
    def lower_bound(self) -> float:
        """Below which the true share lies with a chance of 2.5 %: Wilson's interval (1927). 0 without probes."""
        if not self.probes:
            return 0.0
        n, share, z = self.probes, self.kept / self.probes, _NORMAL_95
        centre = share + z * z / (2 * n)
        margin = z * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
        return max(0.0, (centre - margin) / (1 + z * z / n))


class RecallSampler:
    """Searches a share of probes again in a thread of its own, while nothing else is to be done.

    Args:
        galleries: by name.
        share: of the probes, 0 to 1.
        idle: whether no search waits or runs.
    """

    def __init__(self, galleries: Mapping[str, Gallery], share: float, idle: Callable[[], bool]) -> None:
        self._galleries, self._share, self._idle = galleries, share, idle
        self._waiting: queue.Queue[tuple[str, NDArray[np.float32]] | None] = queue.Queue()
        self._kept = {name: deque[bool](maxlen=_KEPT) for name in galleries}
        self._random = random.Random()  # noqa: S311 - which probes are sampled is no secret
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="recall", daemon=True)
        self._thread.start()

    def offer(self, gallery: str, probes: NDArray[np.float32]) -> None:
        """Take a share of the probes just searched, float32 [n, 10 * d]."""
        for vector in probes:
            if self._random.random() < self._share and self._waiting.qsize() < _WAITING:
                self._waiting.put((gallery, vector.copy()))  # not a view that keeps the whole batch

    def recall(self) -> dict[str, Recall]:
        """Of each gallery."""
        return {name: Recall(sum(kept), len(kept)) for name, kept in self._kept.items()}

    def close(self) -> None:
        """Stop; what still waits is let go."""
        self._closed = True
        self._waiting.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            while not self._closed and not self._idle():
                time.sleep(_IDLE_SECONDS)
            if self._closed:
                return
            name, vector = item
            try:
                self._search_again(name, self._galleries[name], vector[np.newaxis])
            except Exception as error:  # noqa: BLE001 - a thread that ends would leave the figure standing as it was
                _log.error("recall_failed", gallery=name, error_type=type(error).__name__, exc_info=error)

    def _search_again(self, name: str, gallery: Gallery, probe: NDArray[np.float32]) -> None:
        position = gallery.position
        (exact,), (usual,) = gallery.search(probe, 1, exact=True).results, gallery.search(probe, 1).results
        if gallery.position == position and exact.candidates:  # else the two saw different galleries, or none
            self._kept[name].append(exact.candidates == usual.candidates)
