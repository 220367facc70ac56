"""The store of record: who is enrolled, in SQL. The truth; every index is a view of it. Knows no gRPC and no FAISS."""

from tenprint.store.database import Database
from tenprint.store.epochs import Epochs, NewTemplate, Unembedded
from tenprint.store.erasure import Erasure
from tenprint.store.errors import (
    EpochError,
    GalleryModelError,
    NotEmptyError,
    NotStoredError,
    RefusedChangeError,
    StoreError,
    StoreUnavailableError,
    TransactionTakenError,
)
from tenprint.store.portable import copy_store
from tenprint.store.records import Records
from tenprint.store.store import Store, opened_as_it_is, pack_vector, unpack_vector
from tenprint.store.types import (
    ChangeReceipt,
    Changes,
    Encounter,
    Epoch,
    GallerySpec,
    Kind,
    NewEncounter,
    Operation,
    Originator,
    Position,
    Receipt,
    Request,
    StoredRecord,
    Target,
    Tombstone,
)

__all__ = [
    "ChangeReceipt",
    "Changes",
    "Database",
    "Encounter",
    "Epoch",
    "EpochError",
    "Epochs",
    "Erasure",
    "GalleryModelError",
    "GallerySpec",
    "Kind",
    "NewEncounter",
    "NewTemplate",
    "NotEmptyError",
    "NotStoredError",
    "Operation",
    "Originator",
    "Position",
    "Receipt",
    "Records",
    "RefusedChangeError",
    "Request",
    "Store",
    "StoreError",
    "StoreUnavailableError",
    "StoredRecord",
    "Target",
    "Tombstone",
    "TransactionTakenError",
    "Unembedded",
    "copy_store",
    "opened_as_it_is",
    "pack_vector",
    "unpack_vector",
]
