"""Pairs of impressions to learn from, drawn from rendered prints: the same finger twice, as the simulation gives it."""

from collections.abc import Sequence
from itertools import cycle
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from training.rendered import RenderedFinger, RenderedPrint
from training.simulation import MM, Impressions

_FEWEST: Final = 10
"""Minutiae of an impression worth learning from."""

_FEWEST_COMMON: Final = 4
"""Minutiae that two impressions have to share."""

_SAME_PLACE: Final = 0.6 * MM
"""How far apart on the finger two readings of one minutia lie at most. Half of LEADER's lie within 0.08 mm, nine in ten
within 0.19."""

_OTHER_EXTRACTOR: Final = 0.2
"""Share of pairs whose impressions were read by different extractors: a gallery may outlive the choice of one."""

_WINDOWED: Final = 0.6
"""Share of impressions of which a window is shown."""

_DROPPED: Final = 0.2
"""Share of minutiae that are taken out at most."""

_JITTER: Final = 0.08 * MM
"""Standard deviation by which places are moved at most, and"""
_TURN: Final = 0.06
"""directions, in radians: an impression is seen many times in a run, and is never quite the same."""

_SHEAR: Final = 0.03
"""Standard deviation by which it is stretched and sheared as a whole at most, as a share of its size: no
two fingers' skin gives way alike."""


def draw_pairs(
    fingers: Sequence[RenderedFinger], count: int, places: int, draw: np.random.Generator
) -> tuple[Impressions, Impressions]:
    """Two impressions each of some fingers; none comes again before all others came.

    Args:
        fingers: to draw from.
        count: pairs wanted.
        places: minutiae of an impression at most.
        draw: decides everything.
    """
    pairs: list[tuple[RenderedPrint, RenderedPrint, NDArray[np.int64]]] = []
    for number in cycle(draw.permutation(len(fingers)).tolist()):  # twice in a batch a finger would be its own stranger
        if len(pairs) == count:
            break
        finger = fingers[number]
        extractor = int(draw.integers(len(finger)))
        other = extractor if draw.random() >= _OTHER_EXTRACTOR else int(draw.integers(len(finger)))
        first, second = draw.choice(len(finger[0]), 2, replace=False).tolist()
        # Seen in a mirror, a finger is another one, of the other hand: twice as many fingers.
        mirrored = draw.random() < 0.5
        one, two = (
            _seen(whole.mirrored() if mirrored else whole, places, draw)
            for whole in (finger[extractor][first], finger[other][second])
        )
        if min(len(one), len(two)) < _FEWEST:
            continue
        mates = _mates(one, two)
        if np.count_nonzero(mates >= 0) >= _FEWEST_COMMON:
            pairs.append((one, two, mates))
    firsts = [(one, np.where(mates >= 0, np.arange(len(one)), -1)) for one, _, mates in pairs]
    seconds = []
    for _, two, mates in pairs:
        identity = np.full(len(two), -1)
        identity[mates[mates >= 0]] = np.flatnonzero(mates >= 0)
        seconds.append((two, identity))
    return _stacked(firsts, places), _stacked(seconds, places)


def _seen(whole: RenderedPrint, places: int, draw: np.random.Generator) -> RenderedPrint:
    """An impression as a step of training sees it, in no order."""
    shown = whole.part(draw) if draw.random() < _WINDOWED else whole
    shown = shown.chosen(draw.random(len(shown)) > draw.random() * _DROPPED)
    shown = shown.chosen(draw.permutation(len(shown))[:places])
    strength = draw.random()
    xy = shown.xy @ (np.eye(2) + strength * _SHEAR * draw.normal(size=(2, 2)))
    xy += strength * _JITTER * draw.normal(size=xy.shape)
    direction = shown.direction + strength * _TURN * draw.normal(size=len(shown))
    return RenderedPrint(xy.astype(np.float32), direction.astype(np.float32), shown.place)


def _mates(one: RenderedPrint, two: RenderedPrint) -> NDArray[np.int64]:
    """Which minutia of the second is each of the first, int64 [n], or -1. Each is the other's nearest on the finger."""
    apart = np.linalg.norm(one.place[:, np.newaxis] - two.place, axis=-1)
    nearest = apart.argmin(axis=1)
    rows = np.arange(len(one))
    mutual = apart.argmin(axis=0)[nearest] == rows
    return np.where(mutual & (apart[rows, nearest] < _SAME_PLACE), nearest, -1)


def _stacked(prints: Sequence[tuple[RenderedPrint, NDArray[np.int64]]], places: int) -> Impressions:
    shape = (len(prints), places)
    xy, direction = np.zeros((*shape, 2), np.float32), np.zeros(shape, np.float32)
    present, identity = np.zeros(shape, np.bool_), np.full(shape, -1, np.int64)
    for row, (one, own) in enumerate(prints):
        held = slice(len(one))
        xy[row, held], direction[row, held], present[row, held], identity[row, held] = one.xy, one.direction, True, own
    return Impressions(*map(torch.from_numpy, (xy, direction, present, identity)))
