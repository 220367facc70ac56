"""EBTS: what a booking agency's file says, whether it may be taken, and the files that answer it.

After EBTS 9.1 (FBI, IAFIS-DOC-01078-9.1, 25 May 2010). Knows no network and no database.
"""

from tenprint.workflow.ebts.errors import Problem, ResponseError, SubmissionError
from tenprint.workflow.ebts.redaction import matcher_file
from tenprint.workflow.ebts.submission import ClaimedIdentity, Offence, Submission, read_submission
from tenprint.workflow.ebts.transaction_types import TransactionType, transaction_types

__all__ = [
    "ClaimedIdentity",
    "Offence",
    "Problem",
    "ResponseError",
    "Submission",
    "SubmissionError",
    "TransactionType",
    "matcher_file",
    "read_submission",
    "transaction_types",
]
