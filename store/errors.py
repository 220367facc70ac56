"""What the store refuses."""


class StoreError(Exception):
    """Base of every error this room raises on purpose. The store is unchanged after any of them."""


class TransactionTakenError(StoreError):
    """An (ORI, TCN) that stands for other content.

    Attributes:
        digest: SHA-256, hexadecimal, of the content it stands for.
    """

    def __init__(self, digest: str) -> None:
        super().__init__(f"this ORI has used this TCN for other content, SHA-256 {digest}")
        self.digest = digest


class NotStoredError(StoreError):
    """A subject or an encounter that the gallery does not hold.

    Attributes:
        kind: "subject" or "encounter".
        name: its id.
    """

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(f"{kind} {name!r} is not held")
        self.kind, self.name = kind, name


class RefusedChangeError(StoreError):
    """A change that makes no sense for these records.

    Attributes:
        field: what is at fault, as the caller knows it.
        problem: what is wrong and what is allowed.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field, self.problem = field, problem


class GalleryModelError(StoreError):
    """A gallery whose live epoch is of another model than the one that is to serve it."""

    def __init__(self, gallery: str, stored: str, served: str) -> None:
        super().__init__(
            f"gallery {gallery!r} holds vectors of model {stored!r}; this server has model {served!r}. Vectors of two "
            "models cannot be compared: serve the model it was built with, or build and swap in an epoch of the new "
            "one (tenprint reembed)"
        )


class EpochError(StoreError):
    """A change of models that must not be made: the epoch is not there, or is not complete."""


class StoreUnavailableError(StoreError):
    """The database does not take the change or give the answer now: no disk space, no connection, too slow.

    What was asked may be repeated: it has either happened as a whole, and the repetition is answered with its receipt,
    or not at all.
    """


class NotEmptyError(StoreError):
    """A store to restore into that holds something already."""
