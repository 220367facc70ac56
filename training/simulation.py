"""Simulated fingers and their impressions: minutiae only, no image, no real person's print.

A finger is an orientation field (a zero-pole model with cores and deltas, after Sherlock and Monro 1993 and Vizcaya and
Gerhardt 1996, in the natural shares of the pattern classes) and a hard-core point process of minutiae whose directions
follow the field. An impression is what a sensor and an extractor leave of it: a window, misses, spurious minutiae,
jitter, plastic distortion, rotation.

Coordinates: pixels at 500 ppi, x right, y down, origin near the finger's centre. Directions: radians, counter-clockwise
with y up. Tensors carry B fingers; every draw comes from the one generator handed in.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Final

import torch
from torch import Tensor

MM: Final = 500 / 25.4
"""Pixels a millimetre at 500 ppi."""

CLASS_SHARES: Final = (0.037, 0.029, 0.338, 0.317, 0.279)
"""Arch, tented arch, left loop, right loop, whorl (Wilson, Candela, Watson 1994)."""

_CANDIDATES: Final = 190
"""Points a finger draws before those too close to another are dropped; 60 to 120 remain."""

_SPURIOUS: Final = 40
"""Room for an impression's false minutiae."""

Field = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Impressions:
    """B sets of minutiae.

    Attributes:
        xy: float32 [B, M, 2], pixels.
        direction: float32 [B, M], radians.
        present: bool [B, M], which of the M places hold a minutia.
        identity: int64 [B, M], the minutia's number in its finger, -1 where spurious: the same number in two
            impressions of a finger is the same minutia.
    """

    xy: Tensor
    direction: Tensor
    present: Tensor
    identity: Tensor

    def compact(self, places: int) -> "Impressions":
        """The same, with the minutiae that are there moved to the first `places`; what exceeds them is dropped."""
        order = self.present.float().argsort(1, descending=True)[:, :places]
        return Impressions(
            self.xy.gather(1, order[..., None].expand(-1, -1, 2)),
            self.direction.gather(1, order),
            self.present.gather(1, order),
            self.identity.gather(1, order),
        )

    def joined(self, other: "Impressions") -> "Impressions":
        """With others behind, of as many places."""
        pairs = ((getattr(self, field.name), getattr(other, field.name)) for field in fields(self))
        return Impressions(*map(torch.cat, pairs))

    def chosen(self, order: Tensor) -> "Impressions":
        """Those of some numbers, in that order."""
        return Impressions(*(getattr(self, field.name)[order] for field in fields(self)))


class Simulator:
    """Draws fingers and impressions from one seeded generator."""

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator

    def fingers(self, count: int) -> "Fingers":
        """Draw `count` new fingers."""
        return Fingers(self, count)

    def uniform(self, *shape: int) -> Tensor:
        """Uniform in [0, 1)."""
        return torch.rand(*shape, generator=self._generator)

    def normal(self, *shape: int) -> Tensor:
        """Standard normal."""
        return torch.randn(*shape, generator=self._generator)

    def classes(self, count: int) -> Tensor:
        """Pattern classes 0-4, by their natural shares."""
        return torch.multinomial(torch.tensor(CLASS_SHARES), count, replacement=True, generator=self._generator)

    def smooth(self, count: int, waves: int, wavelength_mm: tuple[float, float], channels: int = 1) -> Field:
        """Random fields without detail below a wavelength: [B, M, 2] px -> [B, M, channels], of variance about 1."""
        heading = self.normal(count, channels, waves, 2)
        low, high = wavelength_mm
        length = (low + (high - low) * self.uniform(count, channels, waves, 1)) * MM
        wave = heading / heading.norm(dim=-1, keepdim=True) * (2 * math.pi / length)
        phase = self.uniform(count, channels, waves) * 2 * math.pi
        amplitude = self.normal(count, channels, waves) / math.sqrt(waves / 2)

        def field(xy: Tensor) -> Tensor:
            angle = torch.einsum("bcwk,bmk->bmcw", wave, xy) + phase[:, None]
            return (amplitude[:, None] * torch.cos(angle)).sum(-1)

        return field


def _orientation(draw: Simulator, count: int) -> Field:
    """Ridge orientation of each finger: [B, M, 2] px -> [B, M] radians."""
    kind = draw.classes(count)
    tented, whorl, arch = kind == 1, kind == 4, kind == 0
    looped = (kind == 2) | (kind == 3)
    side = torch.where(kind == 2, -1.0, 1.0)
    core, delta = torch.zeros(count, 2, 2), torch.zeros(count, 2, 2)
    core[:, 0, 0] = draw.normal(count) * 0.7 * MM
    core[:, 0, 1] = (-2 + draw.normal(count)) * MM
    core[:, 1, 0] = draw.normal(count) * 0.7 * MM
    core[:, 1, 1] = core[:, 0, 1] + (1 + 3.5 * draw.uniform(count)) * MM
    across = (5.5 + 3.5 * draw.uniform(count)) * MM
    delta[:, 0, 0] = torch.where(
        tented, core[:, 0, 0] + draw.normal(count) * 0.3 * MM, torch.where(whorl, -across, side * across)
    )
    delta[:, 0, 1] = (5 + 4 * draw.uniform(count)) * MM
    delta[:, 1, 0] = (5.5 + 3.5 * draw.uniform(count)) * MM
    delta[:, 1, 1] = (5 + 4 * draw.uniform(count)) * MM
    singular = torch.stack([(looped | tented | whorl).float(), whorl.float()], 1)
    steepness = 0.6 + 0.8 * draw.uniform(count)
    perturbation = draw.smooth(count, 5, (10, 25))
    strength = (0.06 + 0.12 * draw.uniform(count))[:, None]

    def field(xy: Tensor) -> Tensor:
        angle = torch.zeros(xy.shape[:2])
        for i in range(2):
            for points, sign in ((core, 0.5), (delta, -0.5)):
                offset = xy - points[:, None, i]
                angle = angle + sign * singular[:, i, None] * torch.atan2(-offset[..., 1], offset[..., 0])
        height = (-xy[..., 1] / (14 * MM) + 0.5).clamp(0, 1)
        arching = torch.atan(steepness[:, None] * 2 * (1 - height) * torch.sin(-xy[..., 0] / (11 * MM) * math.pi / 2))
        angle = torch.where(arch[:, None], arching, angle)
        return angle + strength * perturbation(xy)[..., 0]

    return field


class Fingers:
    """B fingers: their minutiae, all of them, before any sensor sees them."""

    def __init__(self, draw: Simulator, count: int) -> None:
        self._draw, self._count = draw, count
        self._orientation = _orientation(draw, count)
        half_width, half_height = (10 + 2.5 * draw.uniform(count, 1)) * MM, (12 + 3 * draw.uniform(count, 1)) * MM
        radius, turn = draw.uniform(count, _CANDIDATES).sqrt(), draw.uniform(count, _CANDIDATES) * 2 * math.pi
        self._xy = torch.stack([half_width * radius * turn.cos(), half_height * radius * turn.sin()], -1)
        drawn = torch.arange(_CANDIDATES)[None] < 90 + 100 * draw.uniform(count, 1)
        spacing = (0.35 + 0.35 * draw.uniform(count, 1, 1)) * MM
        number = torch.arange(_CANDIDATES)
        earlier = number[None, :, None] > number[None, None, :]
        crowded = (torch.cdist(self._xy, self._xy) < spacing) & earlier & drawn[:, None, :]
        self._present = drawn & ~crowded.any(-1)
        turned = (draw.smooth(count, 4, (8, 20))(self._xy)[..., 0] > 0) ^ (draw.uniform(count, _CANDIDATES) < 0.25)
        self._direction = self._orientation(self._xy) + math.pi * turned

    def impression(self, severity: float) -> Impressions:
        """Press every finger once.

        Args:
            severity: 0 to 1, scales how far the window and the distortion stray; training raises it as it goes.
        """
        draw, count = self._draw, self._count
        xy, direction, present = self._with_spurious()
        places = xy.shape[1]
        centre = draw.normal(count, 1, 2) * torch.tensor([2.2, 2.8]) * MM * severity
        extent = torch.stack([5.5 + 5 * draw.uniform(count), 7 + 6 * draw.uniform(count)], -1)[:, None] * MM
        shape = torch.where(draw.uniform(count, 1) < 0.35, 8.0, 2.5)  # a rectangular sensor, or a pressed ellipse
        inside = (((xy - centre) / extent).abs() ** shape[..., None]).sum(-1) < 1
        seen = draw.uniform(count, places) > draw.uniform(count, 1) ** 1.5 * 0.35 + 0.03
        patch = draw.smooth(count, 4, (4, 12))(xy)[..., 0] > 0.9 + 1.2 * draw.uniform(count, 1)
        present = present & inside & seen & ~(patch & (draw.uniform(count, places) < 0.8))
        xy = xy + draw.normal(count, places, 2) * (0.04 + 0.10 * draw.uniform(count, 1, 1)) * MM
        direction = direction + draw.normal(count, places) * (0.04 + 0.10 * draw.uniform(count, 1))
        direction = direction + math.pi * (draw.uniform(count, places) < 0.03)
        bend = draw.smooth(count, 3, (14, 40), channels=2)(xy)
        xy = xy + draw.uniform(count, 1, 1) ** 1.5 * MM * severity * bend
        turn = draw.normal(count) * 0.3
        rotation = torch.stack(
            [torch.stack([turn.cos(), turn.sin()], -1), torch.stack([-turn.sin(), turn.cos()], -1)], 1
        )
        number = torch.arange(places)
        identity = torch.where(number < _CANDIDATES, number, -1)[None].expand(count, -1)
        return Impressions(torch.einsum("bmk,bjk->bmj", xy, rotation), direction + turn[:, None], present, identity)

    def _with_spurious(self) -> tuple[Tensor, Tensor, Tensor]:
        """The finger's minutiae and, behind them, false ones on its ridges: up to half as many again."""
        draw, count = self._draw, self._count
        xy = (draw.uniform(count, _SPURIOUS, 2) - 0.5) * torch.tensor([22.0, 28.0]) * MM
        direction = self._orientation(xy) + math.pi * (draw.uniform(count, _SPURIOUS) < 0.5)
        direction = direction + draw.normal(count, _SPURIOUS) * 0.15
        wanted = 1.5 * (0.03 + draw.uniform(count, 1) ** 2 * 0.35) * self._present.sum(1, keepdim=True)
        present = torch.arange(_SPURIOUS)[None] < wanted
        return (
            torch.cat([self._xy, xy], 1),
            torch.cat([self._direction, direction], 1),
            torch.cat([self._present, present], 1),
        )
