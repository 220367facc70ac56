"""The store of record: who is enrolled, in SQL. The truth; every index is a view of it. Knows no gRPC and no FAISS."""

from tenprint.store.errors import GalleryModelError, NotStoredError, StoreError, TransactionTakenError
from tenprint.store.store import GallerySpec, Store
from tenprint.store.types import Encounter, NewEncounter, Originator, Position, Receipt, StoredVector

__all__ = [
    "Encounter",
    "GalleryModelError",
    "GallerySpec",
    "NewEncounter",
    "NotStoredError",
    "Originator",
    "Position",
    "Receipt",
    "Store",
    "StoreError",
    "StoredVector",
    "TransactionTakenError",
]
