"""The reference: identification by brute force, written from the definition alone and using nothing of ``index/``.

Score of a finger: cosine of the two finger vectors. Score of a capture: mean over the fingers both sides have. Its
standing: how far it is above strangers' mean, in units of what strangers' scores of as many fingers spread. Answer: the
best encounter of each subject, by falling standing, then subject id, then encounter id.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Strangers:
    """What they score on the mean, and how far it spreads by number of fingers; as a gallery has it by itself."""

    mean: float = 0.0
    spread: tuple[float, ...] = tuple(1 / math.sqrt(n) for n in range(1, 11))


@dataclass(frozen=True)
class Entry:
    """One encounter in the reference gallery; vector float32 [10 * d]."""

    encounter_id: str
    subject_id: str
    vector: np.ndarray


@dataclass(frozen=True)
class Answer:
    """What a search must return: (subject, encounter, score, {position: finger score}) and the two counts."""

    candidates: list[tuple[str, str, float, dict[int, float]]]
    searched: int
    incomparable: int


def identify(entries: Iterable[Entry], probe: np.ndarray, k: int, strangers: Strangers = Strangers()) -> Answer:
    """Search one capture, float32 [10 * d]."""
    return _answer(entries, [probe], k, strangers)


def identify_unknown_position(entries: Iterable[Entry], finger: np.ndarray, k: int) -> Answer:
    """Search one finger, float32 [d], at each of the ten positions; the lowest position wins among equals."""
    d = len(finger)
    probes = [np.concatenate([np.zeros(i * d), finger, np.zeros((9 - i) * d)]) for i in range(10)]
    return _answer(entries, probes, k, Strangers())


def _answer(entries, probes, k, strangers):
    best = {}
    searched = incomparable = 0
    for entry in entries:
        scored = [(score, fingers) for probe in probes if (fingers := _fingers(probe, entry.vector))
                  for score in [math.fsum(fingers.values()) / len(fingers)]]  # fmt: skip
        searched += bool(scored)
        incomparable += not scored
        for score, fingers in scored:
            standing = (score - strangers.mean) / strangers.spread[len(fingers) - 1]
            key = (-standing, entry.encounter_id, min(fingers))
            if entry.subject_id not in best or key < best[entry.subject_id][0]:
                best[entry.subject_id] = (key, score, fingers)
    order = sorted(best.items(), key=lambda item: (item[1][0][0], item[0]))[:k]
    candidates = [(subject, key[1], score, fingers) for subject, (key, score, fingers) in order]
    return Answer(candidates, searched, incomparable)


def _fingers(probe, record):
    """Finger scores {position: cosine} of the fingers present on both sides."""
    d = len(probe) // 10
    scores = {}
    for position in range(1, 11):
        a = _unit(probe[(position - 1) * d : position * d])
        b = _unit(record[(position - 1) * d : position * d])
        if a is not None and b is not None:
            scores[position] = min(1.0, max(-1.0, math.fsum(x * y for x, y in zip(a, b, strict=True))))
    return scores


def _unit(finger):
    """The finger as a gallery keeps it, a float32 unit vector; None where it is absent."""
    numbers = [float(x) for x in finger]
    norm = math.sqrt(math.fsum(x * x for x in numbers))
    return [float(np.float32(x / norm)) for x in numbers] if norm else None
