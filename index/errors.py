"""What can be wrong with a call to a gallery, and with its files on disk. Each error names what is at fault."""


class GalleryError(Exception):
    """Base of every error of a call to a gallery. The gallery is unchanged after any of them.

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
    """An encounter that one call hands in twice."""


class DamagedSnapshotError(Exception):
    """A snapshot that is not what was written, or not of this gallery.

    Attributes:
        file: the file at fault.
        problem: what is wrong with it.
    """

    def __init__(self, file: str, problem: str) -> None:
        super().__init__(f"{file}: {problem}")
        self.file, self.problem = file, problem


class ForeignSnapshotError(DamagedSnapshotError):
    """A sound snapshot of something else: another gallery, another store, another model."""
