"""Fit the layer under the finger's vector in closed form, once the network has learnt.

That layer is linear, so the one that best tells fingers apart needs no gradient: linear discriminant analysis (Fisher
1936, Rao 1948) of codebook histograms. It orders directions by how much more fingers differ than impressions of one
finger do: every prefix of the vector is the best of its length.

Simulated fingers are many, but stray only as the simulation makes them; rendered prints (`rendered.py`) are few, but
stray as extractors make them. The fit takes how fingers and impressions vary from both, and where zero lies from the
rendered ones, so that strangers' prints have nothing in common.

The histograms are taken before the batch normalisation, which gradient descent needs and this fit does not: the ridge
is the same for every code, and does better where codes keep their own spread (`docs/experiments.md`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh

from training.network import SetNetwork
from training.rendered import RenderedFinger, RenderedPrint
from training.simulation import Simulator

SEED: Final = 20_261_124
FINGERS: Final = 6_000
IMPRESSIONS: Final = 6

RENDERED_SHARE: Final = 0.5
"""What rendered prints count for beside the simulated ones (`docs/experiments.md`)."""

WINDOWS: Final = 2
"""Parts that are cut out of each rendered print, beside the whole: what a small sensor sees of it."""

FEWEST_MINUTIAE: Final = 10
"""Of a part, or it is left out."""

RIDGE: Final = 0.2
"""Share of the mean variance within fingers that is added to every direction's. Of 0.03, 0.1, 0.2, 0.4 the best rank-1
among 3,000 other simulated fingers."""

DAMPING: Final = -0.25
"""Exponent of a direction's total variance (that within fingers being 1) by which it is scaled: the few that tell most
vary so much more than the others that they would outweigh them in an inner product. Of 0, -0.15, -0.25, -0.4, -0.5, and
powers of the variance between fingers, the best rank-1 among 3,000 other simulated fingers."""

_BATCH: Final = 50

_Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Scatter:
    """How histograms of c codes vary.

    Attributes:
        mean: float64 [c], of the fingers' means.
        within: float64 [c, c], the covariance of a finger's impressions about their mean.
        between: float64 [c, c], the covariance of the fingers' means, less what the impressions' own adds to it.
    """

    mean: _Floats
    within: _Floats
    between: _Floats

    @classmethod
    def of(cls, fingers: Sequence[_Floats]) -> Self:
        """Of each finger's impressions [k, c], at least two."""
        own = np.stack([impressions.mean(0) for impressions in fingers])
        strayed = np.concatenate([impressions - mean for impressions, mean in zip(fingers, own, strict=True)])
        within = strayed.T @ strayed / (len(strayed) - len(fingers))
        centred = own - own.mean(0)
        impressions = 1 / np.mean([1 / len(impressions) for impressions in fingers])
        return cls(own.mean(0), within, centred.T @ centred / len(own) - within / impressions)

    @classmethod
    def mean_of(cls, scatters: Sequence[Self]) -> Self:
        """Each as much as the others."""
        return cls(*(np.mean([getattr(one, name) for one in scatters], axis=0) for name in cls.__slots__))

    def joined(self, other: Self, share: float) -> Self:
        """The other's mean, and covariances of which the other's, brought to this one's size, are so great a share."""
        within, between = (
            (1 - share) * mine + share * theirs * (np.trace(mine) / np.trace(theirs))
            for mine, theirs in ((self.within, other.within), (self.between, other.between))
        )
        return type(self)(other.mean, within, between)


def fit_vector_layer(
    network: SetNetwork, places: int, rendered: Sequence[RenderedFinger], simulated: int = FINGERS
) -> None:
    """Replace `network.vector` by the discriminant one, of the same dimension, with a bias that centres the vectors.

    `network.norm` goes with it: the new layer reads the histograms as they are.

    Args:
        network: trained; left in evaluation mode.
        places: minutiae of an impression that are looked at.
        rendered: fingers; every extractor counts for as much.
        simulated: how many simulated fingers, `IMPRESSIONS` of each.
    """
    network.eval()
    scatter = Scatter.of(list(_simulated(network, places, simulated)))
    read = [Scatter.of(list(_read(network, places, fingers))) for fingers in zip(*rendered, strict=True)]
    scatter = scatter.joined(Scatter.mean_of(read), RENDERED_SHARE)
    projection = discriminants(scatter, network.vector.out_features)
    layer = with_affine_layer(network)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(projection.T))
        layer.bias.copy_(torch.from_numpy(-scatter.mean @ projection))


def with_affine_layer(network: SetNetwork) -> torch.nn.Linear:
    """Give a network a layer under its vector that has a bias and reads the histograms as they are; the layer."""
    layer = torch.nn.Linear(network.vector.in_features, network.vector.out_features)
    network.vector = layer
    network.norm = torch.nn.Identity()
    return layer


def discriminants(scatter: Scatter, dimension: int) -> _Floats:
    """The directions [c, dimension] in which fingers differ, the most telling first.

    Each is scaled by its total variance to the power of `DAMPING`, in units of its (regularised) variance within
    fingers.
    """
    width = len(scatter.mean)
    within = scatter.within + RIDGE * np.trace(scatter.within) / width * np.eye(width)
    gains, directions = eigh(scatter.between, within, subset_by_index=(width - dimension, width - 1))
    scaled = directions * (1 + gains.clip(min=0)) ** DAMPING
    return np.ascontiguousarray(scaled[:, ::-1])


def _simulated(network: SetNetwork, places: int, count: int) -> Iterator[_Floats]:
    """Histograms [impressions, codes] of each of some fingers that nothing else sees."""
    draw = Simulator(torch.Generator().manual_seed(SEED))
    with torch.no_grad():
        for _ in range(count // _BATCH):
            fingers = draw.fingers(_BATCH)
            sides = []
            for _ in range(IMPRESSIONS):
                side = fingers.impression(1.0).compact(places)
                present = side.present.float()
                sides.append(network.histogram(network.states(side.xy, side.direction, present), present).numpy())
            yield from np.stack(sides, 1).astype(np.float64)


def _read(network: SetNetwork, places: int, fingers: Sequence[Sequence[RenderedPrint]]) -> Iterator[_Floats]:
    """Histograms [impressions, codes] of each finger, as one extractor read it, of which two impressions or parts show
    enough."""
    draw = np.random.default_rng(SEED)
    for prints in fingers:
        parts = [part for whole in prints for part in (whole, *(whole.part(draw) for _ in range(WINDOWS)))]
        enough = [part for part in parts if len(part) >= FEWEST_MINUTIAE]
        if len(enough) >= 2:
            yield np.stack([_histogram(network, places, part) for part in enough])


def _histogram(network: SetNetwork, places: int, found: RenderedPrint) -> _Floats:
    xy, direction = torch.from_numpy(found.xy[None, :places]), torch.from_numpy(found.direction[None, :places])
    present = torch.ones_like(direction)
    with torch.no_grad():
        histogram = network.histogram(network.states(xy, direction, present), present)[0].numpy()
    return histogram.astype(np.float64)
