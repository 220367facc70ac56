"""The tables. One schema on SQLite and PostgreSQL; changes come as Alembic revisions in `migrations/versions`."""

from sqlalchemy import (
    BigInteger,
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

gallery = Table(
    "gallery",
    metadata,
    Column("name", String(63), primary_key=True),
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
    ForeignKeyConstraint(["gallery", "subject_id"], ["subject.gallery", "subject.subject_id"]),
    Index(None, "gallery", "subject_id"),
)

template = Table(
    "template",
    metadata,
    Column("encounter_id", ForeignKey("encounter.encounter_id", ondelete="CASCADE"), primary_key=True),
    Column("fingers", Integer, nullable=False),  # bit i - 1: finger i is there
    Column("vector", LargeBinary, nullable=False),  # float32 little-endian, the fingers that are there, in FGP order
    CheckConstraint("fingers BETWEEN 1 AND 1023", name="fingers"),
)

operation = Table(
    "operation",
    metadata,
    Column("number", _SERIAL, primary_key=True, autoincrement=True),
    Column("transaction", BigInteger, nullable=False),  # pg_current_xact_id() on PostgreSQL, 0 on SQLite
    Column("gallery", String(63), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("encounter_id", String(64), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("ori", String(9), nullable=False),
    Column("tcn", String(40), nullable=False),
    CheckConstraint("kind IN ('enrol', 'delete')", name="kind"),
    Index(None, "transaction", "number"),
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
)
