"""The five classes of a finger's ridge flow, and how often each occurs."""

from enum import StrEnum
from typing import Final

import numpy as np

from tenprint.fingerprint.positions import FingerPosition


class FingerClass(StrEnum):
    """Henry class of a finger, as seen in its image: a *left* loop opens towards the left edge."""

    ARCH = "arch"
    TENTED_ARCH = "tented-arch"
    LEFT_LOOP = "left-loop"
    RIGHT_LOOP = "right-loop"
    WHORL = "whorl"


NATURAL_SHARES: Final[dict[FingerClass, float]] = {
    FingerClass.ARCH: 0.037,
    FingerClass.TENTED_ARCH: 0.029,
    FingerClass.LEFT_LOOP: 0.338,
    FingerClass.RIGHT_LOOP: 0.317,
    FingerClass.WHORL: 0.279,
}
"""Share of each class over all ten fingers (Wilson, Candela, Watson, *Neural network fingerprint classification*,
Journal of Artificial Neural Networks 1, 1994)."""

# Shares of (arch, tented arch, ulnar loop, radial loop, whorl) by finger, thumb to little. They follow the known habits
# (arches and nearly all radial loops on the index, whorls on thumb and ring, ulnar loops on the little finger), and are
# set so that their mean over the fingers is NATURAL_SHARES' arches, whorls and sum of loops.
_SHARES_BY_DIGIT: Final[tuple[tuple[float, float, float, float, float], ...]] = (
    (0.025, 0.010, 0.585, 0.005, 0.375),
    (0.070, 0.070, 0.350, 0.190, 0.320),
    (0.055, 0.040, 0.705, 0.020, 0.180),
    (0.020, 0.015, 0.535, 0.010, 0.420),
    (0.015, 0.010, 0.865, 0.010, 0.100),
)


def draw_class(rng: np.random.Generator, position: FingerPosition | None = None) -> FingerClass:
    """Draw a finger's class.

    Args:
        rng: source of randomness; one number is taken from it.
        position: an anatomical finger 1-10, whose own shares are then used (an ulnar loop opens towards the little
            finger: to the right in an image of the right hand, to the left in one of the left hand); None draws
            from :data:`NATURAL_SHARES`.

    Returns:
        The class drawn.

    Raises:
        ValueError: for a position that is not one known finger.
    """
    if position is None:
        shares = np.array([NATURAL_SHARES[each] for each in FingerClass])
    else:
        hand, digit = divmod(position.slot, 5)
        arch, tented, ulnar, radial, whorl = _SHARES_BY_DIGIT[digit]
        left, right = (radial, ulnar) if hand == 0 else (ulnar, radial)
        shares = np.array([arch, tented, left, right, whorl])
    edge = np.cumsum(shares) / shares.sum()
    return tuple(FingerClass)[min(int(np.searchsorted(edge, rng.random(), side="right")), len(FingerClass) - 1)]
