"""Synthetic people: ten fingers each, grown once and kept in a cache."""

import multiprocessing
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import cached_property
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray

from tenprint.fingerprint.image import GreyImage
from tenprint.fingerprint.positions import FINGERS, FingerPosition
from tenprint.fingerprint.synthetic.cache import ReliefCache
from tenprint.fingerprint.synthetic.classes import FingerClass, draw_class
from tenprint.fingerprint.synthetic.impression import press
from tenprint.fingerprint.synthetic.ridges import MasterFinger, grow_finger, master_of


class SyntheticPerson:
    """A person who does not exist, with ten fingers that are always the same.

    Attributes:
        seed: who it is, a non-negative integer.
    """

    def __init__(self, seed: int, cache: Path | None = None) -> None:
        """Name a person; nothing is grown or read before it is needed.

        Args:
            seed: a non-negative integer.
            cache: folder that keeps grown fingers, made where absent; None is ``synthetic`` in the user's cache
                folder of tenprint. It may be deleted at any time.

        Raises:
            ValueError: for a negative seed.
        """
        if seed < 0:
            raise ValueError(f"seed is {seed}; a non-negative integer is wanted")
        self.seed = seed
        self._cache = _cache(cache)

    @cached_property
    def classes(self) -> dict[FingerPosition, FingerClass]:
        """The class of each finger, FGP 1..10, drawn by that finger's shares."""
        rng = np.random.default_rng(np.random.SeedSequence([self.seed]))
        return {position: draw_class(rng, position) for position in FINGERS}

    @cached_property
    def masters(self) -> dict[FingerPosition, MasterFinger]:
        """The ten fingers, FGP 1..10: from the cache, or grown (some seconds) and cached.

        Raises:
            OSError: if the cache folder can be neither made, read nor written.
        """
        tasks = _tasks(self)
        reliefs = self._cache.load(self.seed)
        if reliefs is None:
            reliefs = np.stack([_grow_relief(*task) for task in tasks])
            self._cache.store(self.seed, reliefs)
        return {
            position: master_of(seed, finger_class, relief)
            for position, (seed, finger_class), relief in zip(FINGERS, tasks, reliefs, strict=True)
        }

    def impressions(self, capture_seed: int, *, rolled: bool = True) -> dict[FingerPosition, GreyImage]:
        """Take the prints of all ten fingers once.

        Args:
            capture_seed: which capture, a non-negative integer; another seed gives other impressions of the same
                fingers.
            rolled: whether the fingers are rolled or laid flat.

        Returns:
            An image for each finger, FGP 1..10, as :func:`press` makes it.
        """
        return {position: press(master, capture_seed, rolled=rolled) for position, master in self.masters.items()}


def grow_people(
    seeds: Iterable[int],
    *,
    cache: Path | None = None,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> list[SyntheticPerson]:
    """Make sure that people's fingers are in the cache, growing what is missing in parallel processes.

    The processes are spawned: a script that calls this keeps its own work under ``if __name__ == "__main__"``.

    Args:
        seeds: who; see :class:`SyntheticPerson`.
        cache: as for :class:`SyntheticPerson`.
        workers: number of processes, at least 1.
        progress: called after every finger with the number of fingers done and of all to be grown; not called
            when everyone is in the cache.

    Returns:
        The people, in the order of their seeds.

    Raises:
        ValueError: for a negative seed or no workers.
        OSError: if the cache folder can be neither made, read nor written.
    """
    people = [SyntheticPerson(seed, cache) for seed in seeds]
    kept = _cache(cache)
    missing = list({person.seed: person for person in people if kept.load(person.seed) is None}.values())
    if not missing:
        return people
    tasks = [task for person in missing for task in _tasks(person)]
    reliefs: list[NDArray[np.uint8]] = []
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        for done, relief in enumerate(pool.map(_grow_relief, *zip(*tasks, strict=True)), start=1):
            reliefs.append(relief)
            if len(reliefs) == len(FINGERS):
                kept.store(missing[done // len(FINGERS) - 1].seed, np.stack(reliefs))
                reliefs.clear()
            if progress is not None:
                progress(done, len(tasks))
    return people


def _cache(folder: Path | None) -> ReliefCache:
    return ReliefCache(platformdirs.user_cache_path("tenprint") / "synthetic" if folder is None else folder)


def _tasks(person: SyntheticPerson) -> list[tuple[int, FingerClass]]:
    """Seed and class of each of a person's fingers, FGP 1..10."""
    seeds = np.random.SeedSequence([person.seed, 1]).generate_state(len(FINGERS), np.uint64)
    return list(zip(map(int, seeds), person.classes.values(), strict=True))


def _grow_relief(seed: int, finger_class: FingerClass) -> NDArray[np.uint8]:
    return grow_finger(seed, finger_class).relief
