"""The tables of the workflow. One schema on SQLite and PostgreSQL; changes come as Alembic revisions.

They may lie in the matcher's database or in one of their own: no name is shared, and neither reads the other's.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from tenprint.workflow.types import (
    CaseKind,
    CaseState,
    Gallery,
    LegState,
    LinkState,
    MessageKind,
    MessageState,
    RecordChange,
)

MIGRATIONS: Final = "tenprint.workflow:migrations"
"""The Alembic revisions that make these tables, as tenprint.store.Database takes them."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

_SERIAL: Final = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only in a column declared INTEGER."""


def _id() -> String:
    return String(36)


def _ori() -> String:
    return String(9)


def _time() -> DateTime:
    return DateTime(timezone=True)


def _one_of(column: str, values: type) -> CheckConstraint:
    allowed = ", ".join(f"'{value}'" for value in values)  # type: ignore[attr-defined]  # an enumeration of words
    return CheckConstraint(f"{column} IN ({allowed})", name=column)


agency = Table(  # who takes part, and what each may have; imported by `tenprint agencies`
    "agency",
    metadata,
    Column("ori", _ori(), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("role", String(16), nullable=False),
    Column("jurisdiction", String(100), nullable=False),
    Column("bureau", _ori(), nullable=False),  # the state bureau that its answers go through; empty: none
    Column("field_office", _ori(), nullable=False),  # the office told of its immigration matches; empty: none
    Column("profile", Text, nullable=False),  # JSON: capabilities and purposes
    Column("secret", String(100), nullable=False),  # signs its webhooks; empty: it has none
)

policy = Table(  # thresholds, bars and what is shared with whom; a new version for every change
    "policy",
    metadata,
    Column("version", Integer, primary_key=True, autoincrement=True),
    Column("at", _time(), nullable=False),
    Column("author", String(64), nullable=False),
    Column("document", Text, nullable=False),  # JSON
    sqlite_autoincrement=True,
)

submission = Table(
    "submission",
    metadata,
    Column("submission_id", _id(), primary_key=True),
    Column("ori", _ori(), nullable=False),
    Column("tcn", String(40), nullable=False),
    Column("digest", String(64), nullable=False),  # SHA-256 of the file: the same TCN with another is refused
    Column("received_at", _time(), nullable=False),
    Column("tot", String(5), nullable=False),
    Column("purpose", String(8), nullable=False),
    Column("destination", _ori(), nullable=False),  # 1.007: who is asked, and so who answers
    Column("controlling_agency", _ori(), nullable=False),  # the booking station, 2.073; the ORI where none is named
    Column("jurisdiction", String(100), nullable=False),  # of the booking station, as it was then
    Column("priority", Integer, nullable=False),
    Column("level", Integer, nullable=False),  # 1 to 3; 0: unknown
    Column("offence", String(4), nullable=False),  # NCIC code of the most serious; empty: unknown
    Column("custody", Boolean),
    Column("retain", Boolean, nullable=False),
    Column("attention", String(30), nullable=False),
    Column("claimed", String(64), nullable=False),  # keyed digest of the identity claimed; empty: none, or erased
    Column("demographics", Text, nullable=False),  # JSON, to be passed along; "{}" once erased
    Column("file", LargeBinary),  # as it was sent; NULL once erased
    Column("erased_at", _time()),
    Column("scrubbed_at", _time()),  # when the erased bytes were gone from the database's files, too
    Column("faults", Text, nullable=False),  # JSON: sequence faults that were found
    Column("retention", String(16), nullable=False),  # a word of submissions.Retention
    Column("subject_id", String(64), nullable=False),  # under which it was enrolled; empty: not
    Column("encounter_id", String(64), nullable=False),
    UniqueConstraint("ori", "tcn"),
    Index(None, "received_at"),
    Index(None, "claimed"),
    Index(None, "encounter_id"),
)

impression_digest = Table(  # of every image of a submission: the same image filed twice is found by it
    "impression_digest",
    metadata,
    Column("submission_id", ForeignKey("submission.submission_id"), primary_key=True),
    Column("digest", String(64), primary_key=True),  # keyed
    Index(None, "digest"),
)

leg = Table(  # one of a submission's two questions, and its answer
    "leg",
    metadata,
    Column("submission_id", ForeignKey("submission.submission_id"), primary_key=True),
    Column("gallery", String(16), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", _time()),  # when the matcher is asked next; NULL: not again
    Column("policy_version", Integer, nullable=False),  # under which it was decided; 0: not yet
    Column("asked_at", _time()),
    Column("settled_at", _time()),
    Column("problem", String(300), nullable=False),  # why it is in error or partial; safe to show
    Column("coverage", Text, nullable=False),  # JSON: total, searched, incomparable
    Column("candidates", Text, nullable=False),  # JSON: a list of Candidate, best first
    Column("samples", Text, nullable=False),  # JSON: what became of the prints, and which were poor
    _one_of("gallery", Gallery),
    _one_of("state", LegState),
    Index(None, "due_at"),
)

leg_event = Table(  # every change of a leg's state
    "leg_event",
    metadata,
    Column("number", _SERIAL, primary_key=True, autoincrement=True),
    Column("submission_id", _id(), nullable=False),
    Column("gallery", String(16), nullable=False),
    Column("at", _time(), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(300), nullable=False),
    Column("actor", String(64), nullable=False),  # an examiner; empty: the server
    Index(None, "submission_id", "gallery"),
)

link = Table(  # "these prints and that record are one person's": the hit that notices, disputes and shares are about
    "link",
    metadata,
    Column("link_id", _id(), primary_key=True),
    Column("submission_id", ForeignKey("submission.submission_id"), nullable=False),
    Column("gallery", String(16), nullable=False),
    Column("subject_id", String(64), nullable=False),
    Column("encounter_id", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("beneath", String(16), nullable=False),  # the state but for being frozen
    Column("holds", String(40), nullable=False),  # JSON: why it is frozen; empty list: it is not
    Column("expected_fpir", Float),
    Column("at", _time(), nullable=False),
    _one_of("state", LinkState),
    Index(None, "submission_id", "gallery"),
    Index(None, "gallery", "subject_id"),
)

message = Table(  # the outbox, a row for each way of a message: written with what it tells of, and delivered afterwards
    "message",
    metadata,
    Column("number", _SERIAL, primary_key=True, autoincrement=True),
    Column("message_id", _id(), nullable=False),  # recipients tell repetitions by it; one on all of a message's ways
    Column("kind", String(16), nullable=False),
    Column("about", String(100), nullable=False),  # kind, recipient and this name one message: nothing is written twice
    Column("recipient", _ori(), nullable=False),
    Column("submission_id", _id(), nullable=False),
    Column("gallery", String(16), nullable=False),
    Column("link_id", _id(), nullable=False),  # empty: about none
    Column("channel", String(8), nullable=False),
    Column("address", String(2000), nullable=False),  # of a webhook; empty otherwise
    Column("subscription_id", _id(), nullable=False),  # empty: by the recipient's profile
    Column("after_message_id", _id(), nullable=False),  # goes once that one was acknowledged; empty: at once
    Column("body", Text, nullable=False),  # JSON
    Column("file", LargeBinary),  # the EBTS response, for folders
    Column("at", _time(), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", _time()),  # when it is tried next; NULL: not by us
    Column("problem", String(300), nullable=False),  # of the last attempt
    Column("delivered_at", _time()),
    Column("acknowledged_at", _time()),
    _one_of("kind", MessageKind),
    _one_of("state", MessageState),
    UniqueConstraint("message_id", "subscription_id"),
    UniqueConstraint("kind", "recipient", "about", "subscription_id"),
    Index(None, "state", "due_at"),
    Index(None, "recipient", "number"),
    Index(None, "link_id"),
    sqlite_autoincrement=True,
)

dissemination = Table(  # who was sent what, who was not, and why: one row a decision
    "dissemination",
    metadata,
    Column("number", _SERIAL, primary_key=True, autoincrement=True),
    Column("at", _time(), nullable=False),
    Column("recipient", _ori(), nullable=False),
    Column("via", _ori(), nullable=False),  # the bureau that passes it on: a secondary dissemination; empty: direct
    Column("kind", String(16), nullable=False),
    Column("message_id", _id(), nullable=False),  # empty: withheld
    Column("withheld", String(200), nullable=False),  # why nothing was sent; empty: it was
    Column("submission_id", _id(), nullable=False),
    Column("gallery", String(16), nullable=False),
    Column("link_id", _id(), nullable=False),
    Column("fields", Text, nullable=False),  # JSON: names of the fields that were sent
    Column("purpose", String(8), nullable=False),
    Column("policy_version", Integer, nullable=False),
    Index(None, "link_id"),
    Index(None, "submission_id"),
    Index(None, "recipient", "number"),
    sqlite_autoincrement=True,
)

subscription = Table(
    "subscription",
    metadata,
    Column("subscription_id", _id(), primary_key=True),
    Column("recipient", _ori(), nullable=False),
    Column("channel", String(8), nullable=False),
    Column("address", String(2000), nullable=False),
    Column("secret", String(100), nullable=False),
    Column("filters", Text, nullable=False),  # JSON: levels and jurisdictions; empty lists: all
    Column("at", _time(), nullable=False),
    Column("expires_at", _time(), nullable=False),
    Column("ended_at", _time()),
    Index(None, "recipient"),
)

case = Table(  # something for examiners to decide
    "case",
    metadata,
    Column("case_id", _id(), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("submission_id", ForeignKey("submission.submission_id"), nullable=False),
    Column("gallery", String(16), nullable=False),
    Column("link_id", _id(), nullable=False),  # of a dispute: the link re-examined
    Column("state", String(16), nullable=False),
    Column("priority", Integer, nullable=False),
    Column("level", Integer, nullable=False),
    Column("opened_at", _time(), nullable=False),
    Column("due_at", _time(), nullable=False),
    Column("closed_at", _time()),
    Column("outcome", String(16), nullable=False),  # empty: open
    Column("subject_id", String(64), nullable=False),  # identified as; empty: nobody
    Column("leased_by", String(64), nullable=False),
    Column("leased_until", _time()),
    Column("barred", Text, nullable=False),  # JSON: examiners who may not decide it
    _one_of("kind", CaseKind),
    _one_of("state", CaseState),
    Index(None, "state", "priority"),
    Index(None, "submission_id", "gallery"),
)

opinion = Table(  # what one examiner said of a case; shown to others once it is closed
    "opinion",
    metadata,
    Column("case_id", ForeignKey("case.case_id"), primary_key=True),
    Column("examiner", String(64), primary_key=True),
    Column("ori", _ori(), nullable=False),
    Column("decision", String(16), nullable=False),
    Column("subject_id", String(64), nullable=False),  # identified as; empty: nobody
    Column("reason", String(1000), nullable=False),
    Column("at", _time(), nullable=False),
)

dispute = Table(
    "dispute",
    metadata,
    Column("dispute_id", _id(), primary_key=True),
    Column("link_id", ForeignKey("link.link_id"), nullable=False),
    Column("case_id", ForeignKey("case.case_id"), nullable=False),
    Column("raised_by", _ori(), nullable=False),
    Column("reference", String(200), nullable=False),
    Column("reason", String(1000), nullable=False),
    Column("at", _time(), nullable=False),
    Column("outcome", String(16), nullable=False),  # empty: open
    Column("closed_at", _time()),
    Index(None, "link_id"),
)

finding = Table(  # records or submissions that do not fit together: for reviewers; nothing follows by itself
    "finding",
    metadata,
    Column("finding_id", _id(), primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("about", String(200), nullable=False),  # kind and this are unique: what is found again is one finding
    Column("at", _time(), nullable=False),
    Column("state", String(16), nullable=False),  # quarantined, dismissed, upheld
    Column("reviewer", String(64), nullable=False),
    Column("reason", String(1000), nullable=False),
    Column("closed_at", _time()),
    UniqueConstraint("kind", "about"),
    Index(None, "state"),
)

finding_member = Table(  # what a finding is about: a submission, or a person of a gallery
    "finding_member",
    metadata,
    Column("finding_id", ForeignKey("finding.finding_id"), primary_key=True),
    Column("kind", String(16), primary_key=True),  # submission, criminal, immigration
    Column("name", String(64), primary_key=True),
    Index(None, "kind", "name"),
)

lifecycle = Table(  # changes to records that earlier recipients are to be told of; written down before they are made
    "lifecycle",
    metadata,
    Column("ori", _ori(), primary_key=True),
    Column("tcn", String(40), primary_key=True),
    Column("gallery", String(16), nullable=False),
    Column("target", String(16), nullable=False),  # subject, encounter
    Column("name", String(64), nullable=False),
    Column("change", String(16), nullable=False),
    Column("reference", String(200), nullable=False),
    Column("at", _time(), nullable=False),
    Column("done_at", _time()),  # when it was made and told; NULL: to be done
    Column("refused", String(300), nullable=False),  # why the matcher will not make it; empty: it has not refused
    Column("told", Integer, nullable=False),  # messages written
    _one_of("gallery", Gallery),
    _one_of("change", RecordChange),
    Index(None, "done_at"),
)

secret = Table(  # keys that this database's digests are made with
    "secret",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
