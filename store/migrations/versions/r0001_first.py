"""First schema: galleries, subjects, encounters, templates, the operation log, receipts."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "gallery",
        sa.Column("name", sa.String(63), nullable=False),
        sa.Column("model_version", sa.String(100), nullable=False),
        sa.Column("dimension", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_gallery"),
    )
    op.create_table(
        "subject",
        sa.Column("gallery", sa.String(63), nullable=False),
        sa.Column("subject_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("gallery", "subject_id", name="pk_subject"),
        sa.ForeignKeyConstraint(["gallery"], ["gallery.name"], name="fk_subject_gallery"),
    )
    op.create_table(
        "encounter",
        sa.Column("encounter_id", sa.String(64), nullable=False),
        sa.Column("gallery", sa.String(63), nullable=False),
        sa.Column("subject_id", sa.String(64), nullable=False),
        sa.Column("number", _SERIAL, nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ori", sa.String(9), nullable=False),
        sa.Column("tcn", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("encounter_id", name="pk_encounter"),
        sa.ForeignKeyConstraint(
            ["gallery", "subject_id"], ["subject.gallery", "subject.subject_id"], name="fk_encounter_subject"
        ),
    )
    op.create_index("ix_encounter_gallery_subject_id", "encounter", ["gallery", "subject_id"])
    op.create_table(
        "template",
        sa.Column("encounter_id", sa.String(64), nullable=False),
        sa.Column("fingers", sa.Integer, nullable=False),
        sa.Column("vector", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("encounter_id", name="pk_template"),
        sa.ForeignKeyConstraint(
            ["encounter_id"], ["encounter.encounter_id"], name="fk_template_encounter", ondelete="CASCADE"
        ),
        sa.CheckConstraint("fingers BETWEEN 1 AND 1023", name="ck_template_fingers"),
    )
    op.create_table(
        "operation",
        sa.Column("number", _SERIAL, nullable=False, autoincrement=True),
        sa.Column("transaction", sa.BigInteger, nullable=False),
        sa.Column("gallery", sa.String(63), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("encounter_id", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ori", sa.String(9), nullable=False),
        sa.Column("tcn", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_operation"),
        sa.CheckConstraint("kind IN ('enrol', 'delete')", name="ck_operation_kind"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_operation_transaction_number", "operation", ["transaction", "number"])
    op.create_table(
        "receipt",
        sa.Column("ori", sa.String(9), nullable=False),
        sa.Column("tcn", sa.String(40), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("gallery", sa.String(63), nullable=False),
        sa.Column("encounter_id", sa.String(64), nullable=False),
        sa.Column("subject_id", sa.String(64), nullable=False),
        sa.Column("enrolled_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("fingers", sa.Integer, nullable=False),
        sa.Column("reports", sa.Text, nullable=False),
        sa.Column("transaction", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("ori", "tcn", name="pk_receipt"),
    )


def downgrade() -> None:
    """Refuse: this would drop every record."""
    raise NotImplementedError("there is nothing before the first schema; drop the database by hand if that is meant")
