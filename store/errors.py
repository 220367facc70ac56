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


class GalleryModelError(StoreError):
    """A gallery whose records were made by another model than the one that is to serve it."""

    def __init__(self, gallery: str, stored: str, served: str) -> None:
        super().__init__(
            f"gallery {gallery!r} holds vectors of model {stored!r}; this server has model {served!r}. Vectors of two "
            "models cannot be compared: serve the model it was built with, or another database"
        )
