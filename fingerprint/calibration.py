"""What a score means in a gallery of a stated size: the expected false positive identification rate (FPIR).

FPIR(N, T) is the share of searches of people who are not in a gallery of N that return a candidate at or above T
(ISO/IEC 19795-1). A calibration is data of one model, made from a gallery by `tenprint calibrate` or, the one in the
package, from simulated people by `training.calibration`. It says what FPIR to expect at a score as far as its searches
went, and nothing beyond (ADR 0016).
"""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import Final, Self

from tenprint.fingerprint.errors import CalibrationError
from tenprint.fingerprint.tail import Tail

FINGERS: Final = range(1, 11)

_FILE: Final = "calibration.json"


class Kind(StrEnum):
    """Which of the two scores a candidate has (ADR 0008): they are not on one scale, nor distributed alike."""

    VECTOR = "vector"
    """The mean cosine of the vectors: of candidates that were not compared minutia by minutia."""
    FUSED = "fused"
    """Match and vector, of candidates of the short list that were."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a calibration can promise in a gallery.

    Attributes:
        least: the least FPIR.
        greatest: the greatest.
        lowest: the score of the greatest, from which on the rate falls.
        highest: the score of the least.
    """

    least: float
    greatest: float
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """What scores of one model mean.

    Attributes:
        version: names this fit in every answer it speaks in.
        model_version: of the vectors whose scores it knows.
        source: what it was fitted on, a sentence.
        tails: by kind and number of fingers. For a number that is missing the next smaller one speaks: fewer fingers
            exceed a score more often, so what is said is too high, never too low.
    """

    version: str
    model_version: str
    source: str
    tails: Mapping[Kind, Mapping[int, Tail]]

    def expected_fpir(self, kind: Kind, score: float, fingers: int, gallery_size: int) -> float | None:
        """The share of non-mated searches that have a candidate of this score or more.

        Args:
            kind: of the score.
            score: of a candidate.
            fingers: that it rests on, 1 to 10.
            gallery_size: records searched, at least 1.

        Returns:
            3 / searches fitted on at least; 0.99 stands for more, too. None above the fitted range and for galleries of
            which it says nothing: nothing is claimed there.

        Raises:
            ValueError: if `fingers` or `gallery_size` is out of range.
        """
        tail = self._tail(kind, fingers, gallery_size)
        if tail is None or math.isnan(score):
            return None
        found = tail.rate(score, gallery_size)
        return found if found >= tail.least else None

    def fpir_bound(self, kind: Kind, score: float, fingers: int, gallery_size: int) -> float | None:
        """What the expected FPIR of a score above the fitted range does not exceed; None for any other score."""
        tail = self._tail(kind, fingers, gallery_size)
        if tail is None or math.isnan(score):
            return None
        return tail.least if tail.rate(score, gallery_size) < tail.least else None

    def score_for(self, kind: Kind, fpir: float, fingers: int, gallery_size: int) -> float | None:
        """The score whose expected FPIR is the one wanted: the inverse of :meth:`expected_fpir`.

        Returns:
            None where that score would lie outside the fitted range.

        Raises:
            ValueError: if `fingers` or `gallery_size` is out of range.
        """
        tail = self._tail(kind, fingers, gallery_size)
        if tail is None or not tail.least <= fpir <= tail.rate(tail.lowest(gallery_size), gallery_size):
            return None
        return tail.score(fpir, gallery_size)

    def reach(self, kind: Kind, fingers: int, gallery_size: int) -> Reach | None:
        """What can be promised; None: nothing."""
        tail = self._tail(kind, fingers, gallery_size)
        if tail is None:
            return None
        lowest = tail.lowest(gallery_size)
        return Reach(tail.least, tail.rate(lowest, gallery_size), lowest, tail.highest(gallery_size))

    def _tail(self, kind: Kind, fingers: int, gallery_size: int) -> Tail | None:
        if fingers not in FINGERS or gallery_size < 1:
            raise ValueError(f"fingers, gallery_size: {fingers}, {gallery_size}; allowed are 1 to 10, and 1 or more")
        tails = self.tails.get(kind, {})
        fitted = max((number for number in tails if number <= fingers), default=None)
        if fitted is None or not tails[fitted].covers(gallery_size):
            return None
        return tails[fitted]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what :meth:`write` wrote.

        Raises:
            CalibrationError: if it cannot be read, or is not a calibration.
        """
        try:
            fields = json.loads(path.read_text(encoding="utf-8"))
            tails = {
                Kind(kind): {int(fingers): Tail.of(tail) for fingers, tail in by.items()}
                for kind, by in fields["tails"].items()
            }
            return cls(str(fields["version"]), str(fields["model_version"]), str(fields["source"]), tails)
        except OSError as error:
            raise CalibrationError("calibration", f"{path} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CalibrationError("calibration", f"{path} is not a calibration: {error!r}") from error

    @classmethod
    def of_model(cls, path: Path | None, folder: Path | None, model_version: str) -> Self | None:
        """The calibration a server is to use.

        Args:
            path: of the file; None: the one in the model's folder, if there is one.
            folder: of the model; None: the one in the package.
            model_version: of the model.

        Raises:
            CalibrationError: if it cannot be read, or is of another model.
        """
        if path is None:
            path = (folder if folder is not None else Path(str(resources.files(__package__) / "models"))) / _FILE
            if not path.exists():
                return None
        found = cls.read(path)
        if found.model_version != model_version:
            told = f"{path} is of model {found.model_version!r}; scores of model {model_version!r} mean something else"
            raise CalibrationError("calibration", told)
        return found

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        tails = {kind: {str(n): asdict(tail) for n, tail in by.items()} for kind, by in self.tails.items()}
        fields = {"version": self.version, "model_version": self.model_version, "source": self.source, "tails": tails}
        path.write_text(json.dumps(fields, indent=1) + "\n", encoding="utf-8")
