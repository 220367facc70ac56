"""Searches of a pool's impressions among its people, by two processes; parts that are done are kept beside the pool.

A part that is there is not searched again: remove the folder `searches` of a pool when the model, the matcher or the
fusion has changed.
"""

import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tenprint.fingerprint.calibration import Kind
from training.chimeras import POSITIONS, Chimeras, Found, Fuser
from training.parts import write_part
from training.pool import Impressions, Pool

PART: Final = 250

Best = dict[Kind, dict[int, dict[int, NDArray[np.float64]]]]
"""By kind of score, number of fingers and size of the gallery: the best scores [searches, galleries]."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is searched.

    Attributes:
        pool: folder.
        half: of the pool's strangers and people.
        sizes: of galleries, rising.
        fingers: numbers of fingers.
        fused_sizes: of galleries whose short lists are compared minutia by minutia.
        fused_fingers: by so many fingers.
        separate: most galleries of a small size.
    """

    pool: Path
    half: int
    sizes: tuple[int, ...]
    fingers: tuple[int, ...]
    fused_sizes: tuple[int, ...]
    fused_fingers: tuple[int, ...]
    separate: int = 1

    def chimeras(self, people: Impressions, *, listed: bool = True) -> Chimeras:
        """The people searched."""
        fused = self.fused_fingers if listed else ()
        sizes, seed = self.fused_sizes if listed else (), self.half + 1
        return Chimeras(people, self.sizes, self.fingers, fused, sizes, separate=self.separate, seed=seed)


def strangers(plan: Plan, probes: int, fused: int) -> Best:
    """Search impressions of nobody in the gallery.

    Args:
        plan: what is searched.
        probes: how many.
        fused: of how many of them the short lists are compared too.
    """
    best: Best = {kind: {} for kind in Kind}
    names = [f"{kind}-{n}-{size}" for kind in Kind for n in plan.fingers for size in plan.sizes]
    parts = _parts(plan, "strangers", probes, fused)
    for name in names:
        kind, n, size = name.split("-")
        if rows := [part[name] for part in parts if name in part]:
            best[Kind(kind)].setdefault(int(n), {})[int(size)] = np.concatenate(rows).astype(np.float64)
    return best


@dataclass(frozen=True, slots=True, eq=False)
class Mates:
    """Searches of people who are in the gallery, by number of fingers.

    Attributes:
        scores: by kind: the mate's score [searches].
        last: by size: the score of vectors that a record must exceed to be on the short list [searches].
    """

    scores: dict[Kind, dict[int, NDArray[np.float64]]]
    last: dict[int, dict[int, NDArray[np.float64]]]


def mates(plan: Plan, probes: int) -> Mates:
    """Search other impressions of people, among strangers; their own record is compared beside."""
    parts = _parts(plan, "mates", probes, 0)

    def joined(name: str) -> NDArray[np.float64]:
        return np.concatenate([part[name] for part in parts]).astype(np.float64)

    scores = {kind: {n: joined(f"{kind}-{n}") for n in plan.fused_fingers} for kind in Kind}
    sizes = {n: [size for size in plan.fused_sizes if f"last-{n}-{size}" in parts[0]] for n in plan.fused_fingers}
    return Mates(scores, {n: {size: joined(f"last-{n}-{size}") for size in sizes[n]} for n in plan.fused_fingers})


def fingers_of(impressions: Impressions, number: int) -> list[int]:
    """The ten single fingers that a person or a probe of that number is put together of: each is in ten of them."""
    step = len(impressions) // POSITIONS
    return [(number + k * step) % len(impressions) for k in range(POSITIONS)]


def _parts(plan: Plan, what: str, probes: int, fused: int) -> list[dict[str, NDArray[np.float32]]]:
    folder = plan.pool / "searches"
    folder.mkdir(exist_ok=True)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        begun, tasks = time.perf_counter(), []
        for start in range(0, probes, PART):
            numbers = range(start, min(start + PART, probes))
            path = folder / f"{what}-{plan.half}-{start:06}-{start < fused}.npz"
            tasks.append((path, processes.submit(_search, plan, what, numbers, path, with_lists=start < fused)))
        for done, (_, task) in enumerate(tasks, start=1):
            task.result()
            if done % 8 == 0:
                print(f"{what}: {done} of {len(tasks)} parts, {time.perf_counter() - begun:.0f} s", flush=True)
    return [dict(np.load(path)) for path, _ in tasks]


def _search(plan: Plan, what: str, numbers: range, path: Path, *, with_lists: bool) -> None:
    if path.exists():
        return
    with threadpool_limits(1):
        found = _of_mates(plan, numbers) if what == "mates" else _of_strangers(plan, numbers, with_lists=with_lists)
    write_part(path, {name: np.array(rows, np.float32) for name, rows in found.items()})


def _of_strangers(plan: Plan, numbers: range, *, with_lists: bool) -> dict[str, list[NDArray[np.float32]]]:
    probes, people = Pool.read(plan.pool).halves(plan.half)
    chimeras = plan.chimeras(people, listed=with_lists)
    fuser, own = Fuser(chimeras, people), Fuser(chimeras, probes)
    rows: dict[str, list[NDArray[np.float32]]] = {}
    for number, found in _found(chimeras, probes, numbers):
        for n, by in found.best.items():
            for size, scores in by.items():
                rows.setdefault(f"{Kind.VECTOR}-{n}-{size}", []).append(scores)
        if with_lists:
            fingers = fingers_of(probes, number)
            best = fuser.best(probes.vectors[fingers], own.features(fingers), found)
            for n, by_size in best.items():
                for size, score in by_size.items():
                    rows.setdefault(f"{Kind.FUSED}-{n}-{size}", []).append(np.array([score], np.float32))
    return rows


def _of_mates(plan: Plan, numbers: range) -> dict[str, list[NDArray[np.float32]]]:
    pool = Pool.read(plan.pool)
    chimeras = plan.chimeras(pool.halves(plan.half)[1])
    own = pool.gallery[: len(pool.mates)]
    fuser, probes = Fuser(chimeras, own), Fuser(chimeras, pool.mates)
    rows: dict[str, list[NDArray[np.float32]]] = {}
    for number, found in _found(chimeras, pool.mates, numbers):
        fingers = fingers_of(pool.mates, number)
        vectors, features = pool.mates.vectors[fingers], probes.features(fingers)
        cosines = (vectors * own.vectors[fingers]).sum(axis=1)
        for n in plan.fused_fingers:
            rows.setdefault(f"{Kind.VECTOR}-{n}", []).append(cosines[:n].mean())
            rows.setdefault(f"{Kind.FUSED}-{n}", []).append(fuser.score(vectors[:n], features, fingers[:n]))
            for size, (_, near) in found.lists[n].items():
                rows.setdefault(f"last-{n}-{size}", []).append(near[-1])
    return rows


def _found(chimeras: Chimeras, probes: Impressions, numbers: range) -> list[tuple[int, Found]]:
    vectors = [probes.vectors[fingers_of(probes, number)] for number in numbers]
    return list(zip(numbers, chimeras.search(vectors), strict=True))
