"""First schema of the workflow."""

import sqlalchemy as sa
from alembic import op

revision = "w0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "agency",
        sa.Column("ori", sa.String(length=9), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("jurisdiction", sa.String(length=100), nullable=False),
        sa.Column("bureau", sa.String(length=9), nullable=False),
        sa.Column("field_office", sa.String(length=9), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("secret", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("ori", name="pk_agency"),
    )
    op.create_table(
        "dissemination",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recipient", sa.String(length=9), nullable=False),
        sa.Column("via", sa.String(length=9), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("withheld", sa.String(length=200), nullable=False),
        sa.Column("submission_id", sa.String(length=36), nullable=False),
        sa.Column("gallery", sa.String(length=16), nullable=False),
        sa.Column("link_id", sa.String(length=36), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_dissemination"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_dissemination_recipient_number", "dissemination", ["recipient", "number"], unique=False)
    op.create_index("ix_dissemination_link_id", "dissemination", ["link_id"], unique=False)
    op.create_index("ix_dissemination_submission_id", "dissemination", ["submission_id"], unique=False)
    op.create_table(
        "finding",
        sa.Column("finding_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("about", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reviewer", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("finding_id", name="pk_finding"),
        sa.UniqueConstraint("kind", "about", name="uq_finding_kind_about"),
    )
    op.create_index("ix_finding_state", "finding", ["state"], unique=False)
    op.create_table(
        "leg_event",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("submission_id", sa.String(length=36), nullable=False),
        sa.Column("gallery", sa.String(length=16), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_leg_event"),
    )
    op.create_index("ix_leg_event_submission_id_gallery", "leg_event", ["submission_id", "gallery"], unique=False)
    op.create_table(
        "lifecycle",
        sa.Column("ori", sa.String(length=9), nullable=False),
        sa.Column("tcn", sa.String(length=40), nullable=False),
        sa.Column("gallery", sa.String(length=16), nullable=False),
        sa.Column("target", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("change", sa.String(length=16), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("refused", sa.String(length=300), nullable=False),
        sa.Column("told", sa.Integer(), nullable=False),
        sa.CheckConstraint("change IN ('sealed', 'unsealed', 'expunged')", name="ck_lifecycle_change"),
        sa.CheckConstraint("gallery IN ('criminal', 'immigration')", name="ck_lifecycle_gallery"),
        sa.PrimaryKeyConstraint("ori", "tcn", name="pk_lifecycle"),
    )
    op.create_index("ix_lifecycle_done_at", "lifecycle", ["done_at"], unique=False)
    op.create_table(
        "message",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("message_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("about", sa.String(length=100), nullable=False),
        sa.Column("recipient", sa.String(length=9), nullable=False),
        sa.Column("submission_id", sa.String(length=36), nullable=False),
        sa.Column("gallery", sa.String(length=16), nullable=False),
        sa.Column("link_id", sa.String(length=36), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("address", sa.String(length=2000), nullable=False),
        sa.Column("subscription_id", sa.String(length=36), nullable=False),
        sa.Column("after_message_id", sa.String(length=36), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("file", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(length=300), nullable=False),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('answer', 'notice', 'correction', 'lifecycle')", name="ck_message_kind"),
        sa.CheckConstraint(
            "state IN ('waiting', 'delivered', 'acknowledged', 'dead', 'frozen', 'cancelled')", name="ck_message_state"
        ),
        sa.PrimaryKeyConstraint("number", name="pk_message"),
        sa.UniqueConstraint(
            "kind", "recipient", "about", "subscription_id", name="uq_message_kind_recipient_about_subscription_id"
        ),
        sa.UniqueConstraint("message_id", "subscription_id", name="uq_message_message_id_subscription_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_message_link_id", "message", ["link_id"], unique=False)
    op.create_index("ix_message_recipient_number", "message", ["recipient", "number"], unique=False)
    op.create_index("ix_message_state_due_at", "message", ["state", "due_at"], unique=False)
    op.create_table(
        "policy",
        sa.Column("version", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_policy"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "secret",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_secret"),
    )
    op.create_table(
        "submission",
        sa.Column("submission_id", sa.String(length=36), nullable=False),
        sa.Column("ori", sa.String(length=9), nullable=False),
        sa.Column("tcn", sa.String(length=40), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tot", sa.String(length=5), nullable=False),
        sa.Column("purpose", sa.String(length=8), nullable=False),
        sa.Column("destination", sa.String(length=9), nullable=False),
        sa.Column("controlling_agency", sa.String(length=9), nullable=False),
        sa.Column("jurisdiction", sa.String(length=100), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("offence", sa.String(length=4), nullable=False),
        sa.Column("custody", sa.Boolean(), nullable=True),
        sa.Column("retain", sa.Boolean(), nullable=False),
        sa.Column("attention", sa.String(length=30), nullable=False),
        sa.Column("claimed", sa.String(length=64), nullable=False),
        sa.Column("demographics", sa.Text(), nullable=False),
        sa.Column("file", sa.LargeBinary(), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("scrubbed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("faults", sa.Text(), nullable=False),
        sa.Column("retention", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("encounter_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("submission_id", name="pk_submission"),
        sa.UniqueConstraint("ori", "tcn", name="uq_submission_ori_tcn"),
    )
    op.create_index("ix_submission_claimed", "submission", ["claimed"], unique=False)
    op.create_index("ix_submission_encounter_id", "submission", ["encounter_id"], unique=False)
    op.create_index("ix_submission_received_at", "submission", ["received_at"], unique=False)
    op.create_table(
        "subscription",
        sa.Column("subscription_id", sa.String(length=36), nullable=False),
        sa.Column("recipient", sa.String(length=9), nullable=False),
        sa.Column("channel", sa.String(length=8), nullable=False),
        sa.Column("address", sa.String(length=2000), nullable=False),
        sa.Column("secret", sa.String(length=100), nullable=False),
        sa.Column("filters", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("subscription_id", name="pk_subscription"),
    )
    op.create_index("ix_subscription_recipient", "subscription", ["recipient"], unique=False)
    op.create_table(
        "case",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("submission_id", sa.String(length=36), nullable=False),
        sa.Column("gallery", sa.String(length=16), nullable=False),
        sa.Column("link_id", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("leased_by", sa.String(length=64), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("barred", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('hit', 'dispute')", name="ck_case_kind"),
        sa.CheckConstraint("state IN ('open', 'closed')", name="ck_case_state"),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.submission_id"], name="fk_case_submission_id"),
        sa.PrimaryKeyConstraint("case_id", name="pk_case"),
    )
    op.create_index("ix_case_state_priority", "case", ["state", "priority"], unique=False)
    op.create_index("ix_case_submission_id_gallery", "case", ["submission_id", "gallery"], unique=False)
    op.create_table(
        "finding_member",
        sa.Column("finding_id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["finding_id"], ["finding.finding_id"], name="fk_finding_member_finding_id"),
        sa.PrimaryKeyConstraint("finding_id", "kind", "name", name="pk_finding_member"),
    )
    op.create_index("ix_finding_member_kind_name", "finding_member", ["kind", "name"], unique=False)
    op.create_table(
        "impression_digest",
        sa.Column("submission_id", sa.String(length=36), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["submission_id"], ["submission.submission_id"], name="fk_impression_digest_submission_id"
        ),
        sa.PrimaryKeyConstraint("submission_id", "digest", name="pk_impression_digest"),
    )
    op.create_index("ix_impression_digest_digest", "impression_digest", ["digest"], unique=False)
    op.create_table(
        "leg",
        sa.Column("submission_id", sa.String(length=36), nullable=False),
        sa.Column("gallery", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("problem", sa.String(length=300), nullable=False),
        sa.Column("coverage", sa.Text(), nullable=False),
        sa.Column("candidates", sa.Text(), nullable=False),
        sa.Column("samples", sa.Text(), nullable=False),
        sa.CheckConstraint("gallery IN ('criminal', 'immigration')", name="ck_leg_gallery"),
        sa.CheckConstraint(
            "state IN ('pending', 'review', 'match', 'no_match', 'partial', 'error')", name="ck_leg_state"
        ),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.submission_id"], name="fk_leg_submission_id"),
        sa.PrimaryKeyConstraint("submission_id", "gallery", name="pk_leg"),
    )
    op.create_index("ix_leg_due_at", "leg", ["due_at"], unique=False)
    op.create_table(
        "link",
        sa.Column("link_id", sa.String(length=36), nullable=False),
        sa.Column("submission_id", sa.String(length=36), nullable=False),
        sa.Column("gallery", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("encounter_id", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("beneath", sa.String(length=16), nullable=False),
        sa.Column("holds", sa.String(length=40), nullable=False),
        sa.Column("expected_fpir", sa.Float(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('confirmed', 'unconfirmed', 'frozen', 'refuted')", name="ck_link_state"),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.submission_id"], name="fk_link_submission_id"),
        sa.PrimaryKeyConstraint("link_id", name="pk_link"),
    )
    op.create_index("ix_link_gallery_subject_id", "link", ["gallery", "subject_id"], unique=False)
    op.create_index("ix_link_submission_id_gallery", "link", ["submission_id", "gallery"], unique=False)
    op.create_table(
        "dispute",
        sa.Column("dispute_id", sa.String(length=36), nullable=False),
        sa.Column("link_id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("raised_by", sa.String(length=9), nullable=False),
        sa.Column("reference", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["case.case_id"], name="fk_dispute_case_id"),
        sa.ForeignKeyConstraint(["link_id"], ["link.link_id"], name="fk_dispute_link_id"),
        sa.PrimaryKeyConstraint("dispute_id", name="pk_dispute"),
    )
    op.create_index("ix_dispute_link_id", "dispute", ["link_id"], unique=False)
    op.create_table(
        "opinion",
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("examiner", sa.String(length=64), nullable=False),
        sa.Column("ori", sa.String(length=9), nullable=False),
        sa.Column("decision", sa.String(length=16), nullable=False),
        sa.Column("subject_id", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.case_id"], name="fk_opinion_case_id"),
        sa.PrimaryKeyConstraint("case_id", "examiner", name="pk_opinion"),
    )
