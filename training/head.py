"""Fit the layer under the finger's vector in closed form, once the network has learnt.

That layer is linear, so the one that best tells fingers apart needs no gradient: linear discriminant analysis (Fisher
1936, Rao 1948) of the codebook histograms of simulated fingers. It orders directions by how much more fingers differ
than impressions of one finger do: every prefix of the vector is the best of its length.

The histograms are taken before the batch normalisation, which gradient descent needs and this fit does not: the ridge
is the same for every code, and does better where codes keep their own spread (`docs/experiments.md`).
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import eigh

from training.network import SetNetwork
from training.simulation import Simulator

SEED: Final = 20_261_124
FINGERS: Final = 6_000
IMPRESSIONS: Final = 6

RIDGE: Final = 0.2
"""Share of the mean variance within fingers that is added to every direction's. Of 0.03, 0.1, 0.2, 0.4 the best rank-1
among 3,000 other simulated fingers."""

DAMPING: Final = -0.25
"""Exponent of a direction's total variance (that within fingers being 1) by which it is scaled: the few that tell most
vary so much more than the others that they would outweigh them in an inner product. Of 0, -0.15, -0.25, -0.4, -0.5, and
powers of the variance between fingers, the best rank-1 among 3,000 other simulated fingers."""

_BATCH: Final = 50


def fit_vector_layer(network: SetNetwork, places: int) -> None:
    """Replace `network.vector` by the discriminant one, of the same dimension, with a bias that centres the vectors.

    `network.norm` goes with it: the new layer reads the histograms as they are.

    Args:
        network: trained; left in evaluation mode.
        places: minutiae of an impression that are looked at.
    """
    dimension = network.vector.out_features
    histograms = _histograms(network, places)
    mean = histograms.mean((0, 1))
    projection = discriminants(histograms - mean, dimension)
    layer = torch.nn.Linear(len(mean), dimension)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(projection.T))
        layer.bias.copy_(torch.from_numpy(-mean @ projection))
    network.vector = layer
    network.norm = torch.nn.Identity()


def discriminants(centred: NDArray[np.float64], dimension: int) -> NDArray[np.float64]:
    """The directions [c, dimension] of n fingers' k impressions [n, k, c] with mean zero, the most telling first.

    Each is scaled by its total variance to the power of `DAMPING`, in units of its (regularised) variance within
    fingers.
    """
    count, impressions, width = centred.shape
    own = centred.mean(1)
    strayed = (centred - own[:, None]).reshape(-1, width)
    within = strayed.T @ strayed / (count * (impressions - 1))
    between = own.T @ own / count - within / impressions
    within += RIDGE * np.trace(within) / width * np.eye(width)
    gains, directions = eigh(between, within, subset_by_index=(width - dimension, width - 1))
    scaled = directions * (1 + gains.clip(min=0)) ** DAMPING
    return np.ascontiguousarray(scaled[:, ::-1])


def _histograms(network: SetNetwork, places: int) -> NDArray[np.float64]:
    """Codebook histograms [fingers, impressions, codes] of fingers that nothing else sees."""
    draw = Simulator(torch.Generator().manual_seed(SEED))
    network.eval()
    batches = []
    with torch.no_grad():
        for _ in range(FINGERS // _BATCH):
            fingers = draw.fingers(_BATCH)
            pressed = [fingers.impression(1.0).compact(places) for _ in range(IMPRESSIONS)]
            sides = []
            for side in pressed:
                present = side.present.float()
                sides.append(network.histogram(network.states(side.xy, side.direction, present), present).numpy())
            batches.append(np.stack(sides, 1))
    return np.concatenate(batches).astype(np.float64)
