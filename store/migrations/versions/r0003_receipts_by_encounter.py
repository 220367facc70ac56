"""Receipts by encounter: an expunction finds them without reading all."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One index."""
    op.create_index("ix_receipt_encounter_id", "receipt", ["encounter_id"])


def downgrade() -> None:
    """Without it."""
    op.drop_index("ix_receipt_encounter_id", "receipt")
