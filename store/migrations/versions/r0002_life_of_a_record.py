"""Epochs of models, minutiae, sealing, expunction, the receipts of changes, and the store's identity."""

import uuid

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_KINDS = "kind IN ('enrol', 'delete', 'seal', 'unseal', 'expunge', 'merge', 'split', 'move')"


def upgrade() -> None:
    """What there is becomes epoch 1 of its gallery; nothing is lost."""
    identity = op.create_table(
        "identity",
        sa.Column("store_id", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("store_id", name="pk_identity"),
    )
    op.bulk_insert(identity, [{"store_id": str(uuid.uuid4())}])
    op.create_table(
        "epoch",
        sa.Column("gallery", sa.String(63), nullable=False),
        sa.Column("epoch", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("model_version", sa.String(100), nullable=False),
        sa.Column("dimension", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("gallery", "epoch", name="pk_epoch"),
        sa.ForeignKeyConstraint(["gallery"], ["gallery.name"], name="fk_epoch_gallery"),
    )
    op.execute(
        "INSERT INTO epoch (gallery, epoch, model_version, dimension) "
        "SELECT name, 1, model_version, dimension FROM gallery"
    )
    # Plain ALTERs where others refer to the table: SQLite would empty it to make it anew.
    op.add_column("gallery", sa.Column("live_epoch", sa.Integer, nullable=False, server_default=sa.text("1")))
    op.execute("ALTER TABLE gallery DROP COLUMN model_version")
    op.execute("ALTER TABLE gallery DROP COLUMN dimension")
    op.add_column("encounter", sa.Column("sealed", sa.Boolean, nullable=False, server_default=sa.false()))
    with op.batch_alter_table("template") as template:
        template.add_column(sa.Column("epoch", sa.Integer, nullable=False, server_default=sa.text("1")))
        template.add_column(sa.Column("features", sa.LargeBinary, nullable=False, server_default=sa.text("''")))
        template.drop_constraint("pk_template", type_="primary")
        template.create_primary_key("pk_template", ["encounter_id", "epoch"])
    op.create_table(
        "minutiae",
        sa.Column("encounter_id", sa.String(64), nullable=False),
        sa.Column("record", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("encounter_id", name="pk_minutiae"),
        sa.ForeignKeyConstraint(
            ["encounter_id"], ["encounter.encounter_id"], name="fk_minutiae_encounter", ondelete="CASCADE"
        ),
    )
    with op.batch_alter_table("operation", table_kwargs={"sqlite_autoincrement": True}) as operation:
        operation.add_column(sa.Column("subject_id", sa.String(64)))
        operation.add_column(sa.Column("previous_subject_id", sa.String(64)))
        operation.add_column(sa.Column("reference", sa.String(200)))
        # Revision 1 gave the name with its prefix, and the naming convention put another before it.
        operation.drop_constraint(op.f("ck_operation_ck_operation_kind"), type_="check")
        operation.create_check_constraint(op.f("ck_operation_kind"), _KINDS)
    op.create_index("ix_operation_encounter_id", "operation", ["encounter_id"])
    op.create_index("ix_operation_gallery_subject_id", "operation", ["gallery", "subject_id"])
    op.create_table(
        "change",
        sa.Column("ori", sa.String(9), nullable=False),
        sa.Column("tcn", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("encounter_ids", sa.Text, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("transaction", sa.BigInteger, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("ori", "tcn", name="pk_change"),
    )
    op.create_table(
        "expunction",
        sa.Column("encounter_id", sa.String(64), nullable=False),
        sa.Column("gallery", sa.String(63), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ori", sa.String(9), nullable=False),
        sa.Column("tcn", sa.String(40), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("encounter_id", name="pk_expunction"),
    )


def downgrade() -> None:
    """Refuse: sealed and expunged records would come back."""
    raise NotImplementedError("the first schema knows no sealed and no expunged records; restore a backup instead")
