"""What is wrong with an EBTS file."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

MAX_PROBLEMS: Final = 11
"""Problems told of one file at most: what an ERRT carries (field 2.060)."""
MAX_MESSAGE: Final = 300
"""Characters of one message in an ERRT at most."""


class EbtsError(Exception):
    """Base of every error this package raises on purpose."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a submission.

    Attributes:
        tag: the field, ``"2.047"``; of a file that cannot be read, ``"1.001"``.
        rule: a short word that stays the same, for programs: ``"MISSING_FIELD"``. All are listed in docs/ebts.md.
        message: the field's name, what is wrong and what is allowed; safe to show and to log: no value of a field that
            describes a person.
    """

    tag: str
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.tag} {self.rule}: {self.message}"


@dataclass(frozen=True, slots=True)
class Sender:
    """Whom an answer to a file would go to, as far as that could be read from it.

    Attributes:
        ori: 1.008; None where it is no ORI.
        destination: 1.007, to whom the file was sent; None where it is no ORI.
        tcn: 1.009; None where it is no TCN.
    """

    ori: str | None
    destination: str | None
    tcn: str | None


class SubmissionError(EbtsError):
    """A file that is not taken.

    Attributes:
        problems: what is wrong, at least one, the header first; at most 11 of them.
        sender: whom to tell.
    """

    def __init__(self, problems: Sequence[Problem], sender: Sender) -> None:
        self.problems = tuple(problems[:MAX_PROBLEMS])
        self.sender = sender
        super().__init__("; ".join(str(problem) for problem in self.problems))


class ResponseError(EbtsError, ValueError):
    """A value that a response file cannot carry. The message names the field and what is allowed."""
