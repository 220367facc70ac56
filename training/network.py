"""The set network: minutiae in, one vector for the finger and one descriptor for each minutia out.

Every minutia looks at its nearest neighbours in its own frame, so rotating or shifting the print changes nothing. Three
rounds of message passing give each a state. Two heads read it: a linear one makes the descriptor; a learned codebook,
to which minutiae are softly assigned and over which they are summed, makes the vector.
"""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.simulation import MM

_HEAD: Final = ("norm", "vector")
"""Modules of the vector's own layer."""

_FAR: Final = 1e5
"""Added to the distance of a place without a minutia; far beyond any print."""


def _mlp(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, hidden), nn.GELU(), nn.Linear(hidden, outputs))


class _Round(nn.Module):
    """One exchange of messages between neighbours."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.sender = nn.Linear(width, width)
        self.message = _mlp(2 * width, width, width)
        self.update = _mlp(2 * width, 2 * width, width)
        self.norm = nn.LayerNorm(width)

    def forward(self, state: Tensor, index: Tensor | None, edge: Tensor, weight: Tensor, blocked: Tensor) -> Tensor:
        """The states [B*M, width] after the exchange; without an index every sender's state is the first one's."""
        if index is None:
            sent = self.sender(state[0]).view(1, 1, -1)
        else:
            # Gathering rows by index_select of a flat tensor keeps the backward pass ten times cheaper than gathering
            # from an expanded one.
            sent = self.sender(state).index_select(0, index).view(edge.shape)
        message = self.message(torch.cat([edge * (1 + sent), edge], -1))
        pooled = torch.cat([(message * weight).sum(1), (message + blocked).amax(1).clamp(min=-10)], -1)
        updated: Tensor = self.norm(state + self.update(pooled))
        return updated


class SetNetwork(nn.Module):
    """About 0.2 M parameters.

    Args:
        dimension: numbers of a finger's vector.
        descriptor: numbers of a minutia's descriptor.
        neighbours: how many each minutia looks at.
        width: numbers of a minutia's state.
        rounds: exchanges of messages.
        codes: entries of the codebook.
    """

    def __init__(
        self,
        dimension: int = 256,
        descriptor: int = 64,
        neighbours: int = 8,
        width: int = 64,
        rounds: int = 3,
        codes: int = 768,
    ) -> None:
        super().__init__()
        self.neighbours = neighbours
        self.edge = _mlp(10, width, width)
        self.start = nn.Parameter(torch.randn(width) * 0.02)
        self.rounds = nn.ModuleList(_Round(width) for _ in range(rounds))
        self.final = nn.Sequential(_mlp(width, 2 * width, width), nn.LayerNorm(width))
        self.code = nn.Linear(width, codes)
        self.gate = nn.Linear(width, 1)
        self.norm: nn.Module = nn.BatchNorm1d(codes)
        self.vector = nn.Linear(codes, dimension, bias=False)
        self.descriptor = nn.Linear(width, descriptor)

    def load_trunk(self, state: Mapping[str, Tensor]) -> None:
        """Take everything below the vector's own layer from another network's state."""
        trunk = {name: value for name, value in state.items() if name.partition(".")[0] not in _HEAD}
        missing, unknown = self.load_state_dict(trunk, strict=False)
        if unknown or any(name.partition(".")[0] not in _HEAD for name in missing):
            raise ValueError(f"state: of another network: lacks {missing}, has {unknown}")

    def forward(self, xy: Tensor, direction: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """Embed B fingers.

        Args:
            xy: float32 [B, M, 2], pixels at 500 ppi, y down; places without a minutia at any finite position.
            direction: float32 [B, M], radians, counter-clockwise with y up.
            present: float32 [B, M], 1 where there is a minutia, else 0. At least two a finger.

        Returns:
            Unit vectors float32 [B, dimension], and unit descriptors float32 [B, M, descriptor], without meaning where
            there is no minutia.
        """
        batch, places = direction.shape
        state = self.states(xy, direction, present)
        vector = self.vector(self.norm(self.histogram(state, present)))
        descriptor = self.descriptor(state).view(batch, places, -1)
        return functional.normalize(vector, dim=-1), functional.normalize(descriptor, dim=-1)

    def states(self, xy: Tensor, direction: Tensor, present: Tensor) -> Tensor:
        """What each minutia knows of its surroundings after all rounds: [B*M, width]. Arguments as `forward`."""
        batch, places = direction.shape
        with torch.no_grad():
            features, weight, blocked, index = self._neighbourhoods(xy, direction, present)
        edge = self.edge(features)
        state = self.start.expand(batch * places, -1)
        for number, exchange in enumerate(self.rounds):
            # In the first round all states are the same, and nothing need be gathered.
            state = exchange(state, index if number else None, edge, weight, blocked)
        reached: Tensor = state + self.final(state)
        return reached

    def histogram(self, state: Tensor, present: Tensor) -> Tensor:
        """How much of each entry of the codebook a finger holds, square-rooted: [B, codes]."""
        assigned = functional.softmax(self.code(state), -1) * torch.sigmoid(self.gate(state))
        held = (assigned.view(*present.shape, -1) * present[..., None]).sum(1)
        return torch.sqrt(held + 1e-6)

    def _neighbourhoods(self, xy: Tensor, direction: Tensor, present: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """What each minutia sees of its K nearest, in its own frame.

        Returns:
            features [B*M, K, 10]; weights [B*M, K, 1] that sum to one over the neighbours there are; a term
            [B*M, K, 1] that takes places without a minutia out of a maximum; and the neighbours' rows [B*M*K].
        """
        batch, places = direction.shape
        k = self.neighbours
        apart = xy[:, :, None] - xy[:, None]
        distance = (apart.square().sum(-1) + 1e-6).sqrt()
        distance = distance + (1 - present)[:, None] * _FAR + torch.eye(places, device=xy.device) * (10 * _FAR)
        nearest, which = distance.topk(k, dim=-1, largest=False)
        index = (which + torch.arange(batch, device=xy.device)[:, None, None] * places).reshape(-1)
        there = (nearest < _FAR / 2).float()
        r = nearest.clamp(max=2000)

        def of_neighbour(values: Tensor) -> Tensor:
            return values.reshape(-1).index_select(0, index).view(batch, places, k)

        dx = of_neighbour(xy[..., 0]) - xy[..., 0, None]
        dy = xy[..., 1, None] - of_neighbour(xy[..., 1])
        cos, sin = direction.cos()[..., None], direction.sin()[..., None]
        ahead, left = dx * cos + dy * sin, dy * cos - dx * sin
        turned = of_neighbour(direction) - direction[..., None]
        bearing_norm = (ahead.square() + left.square() + 1e-6).sqrt()
        bearing_cos, bearing_sin = ahead / bearing_norm, left / bearing_norm
        turned_cos, turned_sin = turned.cos(), turned.sin()
        scale = 6 * MM
        features = torch.stack(
            [
                (ahead / scale).clamp(-20, 20),
                (left / scale).clamp(-20, 20),
                turned_cos,
                turned_sin,
                r / scale,
                torch.exp(-r / (2 * MM)),
                bearing_cos,
                bearing_sin,
                turned_cos * bearing_cos + turned_sin * bearing_sin,
                turned_sin * bearing_cos - turned_cos * bearing_sin,
            ],
            -1,
        )
        weight = there * torch.exp(-r / (5 * MM))
        weight = weight / weight.sum(-1, keepdim=True).clamp(min=1e-3)
        flat = (batch * places, k)
        return (
            features.view(*flat, 10),
            weight.view(*flat, 1),
            ((1 - there) * -1e4).view(*flat, 1),
            index,
        )
