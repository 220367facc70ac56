"""What can be wrong with a call to a gallery. Each error names the field, the problem and what is allowed."""


class GalleryError(Exception):
    """Base of every error this room raises on purpose. The gallery is unchanged after any of them.

    Attributes:
        field: the argument at fault, as the caller knows it (``"probes[3]"``, ``"records[0].vector"``, ``"k"``).
        problem: what is wrong and what is allowed, one sentence, safe to show and to log: never a number of a
            vector and never an id.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field = field
        self.problem = problem


class InvalidVectorError(GalleryError):
    """A vector of another type or length, with NaN or infinity, without a finger, or with a slot off unit norm."""


class InvalidLimitError(GalleryError):
    """A number out of its range: candidates asked for, probes in one call, numbers a finger."""


class InvalidIdError(GalleryError):
    """A name or id that is empty or too long."""


class DuplicateRecordError(GalleryError):
    """An encounter that the gallery holds already, or that one call hands in twice."""


class UnknownRecordError(GalleryError):
    """An encounter that the gallery does not hold."""
