"""An evaluation as pictures: DET and CMC."""

from pathlib import Path
from typing import Any

import numpy as np

from tenprint.client.evaluation.run import Result

_LEAST = 1e-4
"""Rates below are drawn here: a logarithm has no zero."""
_STYLES = {"embedding": ("vector alone", "C0"), "reranked": ("re-ranked", "C1"), "bozorth3": ("bozorth3", "C2")}


def plot(result: Result, folder: Path) -> list[Path]:
    """Write `det.png`, of all pairs under one threshold, and `cmc.png`, of one finger among all.

    Raises:
        OSError: if they cannot be written.
    """
    from matplotlib.figure import Figure

    det, cmc = Figure(figsize=(6, 5), layout="constrained"), Figure(figsize=(6, 5), layout="constrained")
    axes: Any = det.subplots()
    for name, curve in result.det.items():
        title, colour = _STYLES[name]
        rates = (np.maximum(one, _LEAST) for one in (curve.false_match, curve.false_non_match))
        axes.plot(*rates, label=title, color=colour)
    axes.plot([_LEAST, 1], [_LEAST, 1], ":", color="grey", label="equal error")
    axes.set(
        xscale="log", yscale="log", xlabel="false match rate", ylabel="false non-match rate", title="DET, one finger"
    )
    axes.legend()
    axes.grid(visible=True, alpha=0.3)
    axes = cmc.subplots()
    for name, shares in result.cmc.items():
        title, colour = _STYLES[name]
        axes.plot(np.arange(1, len(shares) + 1), shares, marker="o", label=title, color=colour)
    gallery = result.report["input"]["fingers"]
    axes.set(xlabel="rank", ylabel="share of mates found", title=f"CMC, one finger among {gallery}")
    axes.legend()
    axes.grid(visible=True, alpha=0.3)
    paths = [folder / "det.png", folder / "cmc.png"]
    for figure, path in zip((det, cmc), paths, strict=True):
        figure.savefig(path, dpi=120)
    return paths
