"""The tables. One schema on SQLite and PostgreSQL; changes come as Alembic revisions in `migrations/versions`."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

_SERIAL = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in a column declared INTEGER."""

identity = Table(
    "identity",
    metadata,
    Column("store_id", String(36), primary_key=True),  # another one after every restore: snapshots name it
)

gallery = Table(
    "gallery",
    metadata,
    Column("name", String(63), primary_key=True),
    Column("live_epoch", Integer, nullable=False),  # the one that is searched
)

epoch = Table(
    "epoch",
    metadata,
    Column("gallery", ForeignKey("gallery.name"), primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("model_version", String(100), nullable=False),
    Column("dimension", Integer, nullable=False),
)

subject = Table(
    "subject",
    metadata,
    Column("gallery", ForeignKey("gallery.name"), primary_key=True),
    Column("subject_id", String(64), primary_key=True),
)

encounter = Table(
    "encounter",
    metadata,
    Column("encounter_id", String(64), primary_key=True),
    Column("gallery", String(63), nullable=False),
    Column("subject_id", String(64), nullable=False),
    Column("number", _SERIAL, nullable=False),  # of the operation that enrolled it: the order of a subject's encounters
    Column("enrolled_at", DateTime(timezone=True), nullable=False),
    Column("ori", String(9), nullable=False),
    Column("tcn", String(40), nullable=False),
    Column("sealed", Boolean, nullable=False),
    ForeignKeyConstraint(["gallery", "subject_id"], ["subject.gallery", "subject.subject_id"]),
    Index(None, "gallery", "subject_id"),
)

template = Table(
    "template",
    metadata,
    Column("encounter_id", ForeignKey("encounter.encounter_id", ondelete="CASCADE"), primary_key=True),
    Column("epoch", Integer, primary_key=True, autoincrement=False),
    Column("fingers", Integer, nullable=False),  # bit i - 1: finger i is there
    Column("vector", LargeBinary, nullable=False),  # float32 little-endian, the fingers that are there, in FGP order
    Column("features", LargeBinary, nullable=False),  # what re-ranking reads; empty where nothing is kept
    CheckConstraint("fingers BETWEEN 1 AND 1023", name="fingers"),
)

minutiae = Table(
    "minutiae",
    metadata,
    Column("encounter_id", ForeignKey("encounter.encounter_id", ondelete="CASCADE"), primary_key=True),
    Column("record", LargeBinary, nullable=False),  # ISO/IEC 19794-2:2005, a view a finger: what models are changed by
)

operation = Table(
    "operation",
    metadata,
    Column("number", _SERIAL, primary_key=True, autoincrement=True),
    Column("transaction", BigInteger, nullable=False),  # pg_current_xact_id() on PostgreSQL, 0 on SQLite
    Column("gallery", String(63), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("encounter_id", String(64), nullable=False),
    Column("subject_id", String(64)),  # the person it belongs to after the operation
    Column("previous_subject_id", String(64)),  # before it, where that was another
    Column("at", DateTime(timezone=True), nullable=False),
    Column("ori", String(9), nullable=False),
    Column("tcn", String(40), nullable=False),
    Column("reference", String(200)),  # the order or case that asked for it
    CheckConstraint(
        "kind IN ('enrol', 'delete', 'seal', 'unseal', 'expunge', 'merge', 'split', 'move')",
        name="kind",
    ),
    Index(None, "transaction", "number"),
    Index(None, "encounter_id"),
    Index(None, "gallery", "subject_id"),
    sqlite_autoincrement=True,  # numbers are never given twice, even after rows are gone
)

receipt = Table(
    "receipt",
    metadata,
    Column("ori", String(9), primary_key=True),
    Column("tcn", String(40), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("gallery", String(63), nullable=False),
    Column("encounter_id", String(64), nullable=False),
    Column("subject_id", String(64), nullable=False),
    Column("enrolled_at", DateTime(timezone=True), nullable=False),
    Column("fingers", Integer, nullable=False),
    Column("reports", Text, nullable=False),  # JSON
    Column("transaction", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    Index(None, "encounter_id"),
)

change = Table(  # the receipts of everything but enrolments
    "change",
    metadata,
    Column("ori", String(9), primary_key=True),
    Column("tcn", String(40), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("encounter_ids", Text, nullable=False),  # JSON
    Column("at", DateTime(timezone=True), nullable=False),
    Column("transaction", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
)

expunction = Table(  # tombstones: what must never come back
    "expunction",
    metadata,
    Column("encounter_id", String(64), primary_key=True),
    Column("gallery", String(63), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("ori", String(9), nullable=False),
    Column("tcn", String(40), nullable=False),
    Column("erased_at", DateTime(timezone=True)),  # when its last byte was gone from store and snapshots
)
