"""What is counted, by definitions that are published with every report."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Dimension(StrEnum):
    """What a report is broken down by. Every row is of one gallery besides: the two are never put together."""

    TOTAL = "total"
    JURISDICTION = "jurisdiction"
    """Of the booking station, as it was when the submission came."""
    AGENCY = "agency"
    """The booking station, as "jurisdiction/ORI"."""
    LEVEL = "level"
    """Of the most serious charge: 1, 2, 3, or unknown, which is counted apart."""
    DAY = "day"
    WEEK = "week"
    """ISO 8601: "2026-W48"."""
    MONTH = "month"


PUBLIC: Final = (Dimension.TOTAL, Dimension.JURISDICTION, Dimension.AGENCY, Dimension.LEVEL, Dimension.MONTH)
"""What everybody may see. Days and weeks are too short to hide anyone in."""


@dataclass(frozen=True, slots=True)
class Measure:
    """Something counted.

    Attributes:
        name: in every output.
        of: the measure it is a part of: its denominator, in the same row; "": it is a base.
        definition: what is counted, in words for everybody.
    """

    name: str
    of: str
    definition: str


@dataclass(frozen=True, slots=True)
class Parts:
    """Measures that never overlap and lie within another.

    Attributes:
        whole: the measure they are parts of.
        parts: which.
        complete: whether they make up the whole, by definition.
    """

    whole: str
    parts: tuple[str, ...]
    complete: bool

    @property
    def rest(self) -> str:
        """Name of what is in the whole and in none of the parts. Nobody publishes it; anybody can compute it."""
        return f"{self.whole} without {' and '.join(self.parts)}"


SUBMISSIONS: Final = (
    Measure("submissions", "", "Files taken. One that was refused is none; the same file sent again is the same one."),
    Measure(
        "erased", "submissions", "Submissions whose prints and person were erased after the answer. They count on."
    ),
)
"""In rows of no gallery."""

QUESTIONS: Final = (
    Measure("asked", "", "Questions put to this gallery: one for each submission that asks it."),
    Measure("searched", "asked", "Questions that the matcher has answered."),
    Measure("answered", "asked", "Questions to which an answer went out, whatever it said."),
    Measure("pending", "asked", "Questions that the matcher has still to answer, now."),
    Measure("review", "asked", "Questions whose candidates are with the examiners, now."),
    Measure("match", "asked", "Questions whose answer, now, is match."),
    Measure("no_match", "asked", "Questions whose answer, now, is no match."),
    Measure("partial", "asked", "Questions whose answer, now, is partial: not everything was compared, or examiners "
            "could not decide. Not a no match."),
    Measure("error", "asked", "Questions that could not be answered. Not a no match."),
    Measure("match_confirmed", "match", "Matches that examiners confirmed and nobody disputes."),
    Measure("match_unconfirmed", "match", "Matches by the lights-out bar that no examiner has confirmed."),
    Measure("match_frozen", "match", "Matches that are disputed now, or whose record was withdrawn."),
    Measure("reviewed", "searched", "Questions whose candidates went to examiners at least once."),
    Measure("review_open", "reviewed", "Of those: the last examination is not decided yet."),
    Measure("confirmed", "reviewed", "Of those: the last examination came to an identification."),
    Measure("refuted", "reviewed", "Of those: the last examination excluded every candidate."),
    Measure("inconclusive", "reviewed", "Of those: the last examination could not decide."),
    Measure("review_withdrawn", "reviewed", "Of those: the last examination was closed undecided."),
    Measure("hits", "", "Hits announced: an answer said that these prints are a record's."),
    Measure("reversed", "hits", "Hits that were announced and not upheld when examiners looked, or looked again."),
    Measure("disputed", "hits", "Hits that were disputed at least once."),
    Measure("dispute_open", "disputed", "Of those: the last dispute is not decided yet."),
    Measure("dispute_upheld", "disputed", "Of those: the last dispute was decided, and the hit stood."),
    Measure("dispute_reversed", "disputed", "Of those: the last dispute was decided, and the hit did not stand."),
    Measure("notices", "", "Hits that a field office was to be told of."),
    Measure("notified", "notices", "Notices written to the office."),
    Measure("notices_withheld", "notices", "Notices that nobody was sent, for a logged reason."),
    Measure("acknowledged", "notified", "Notices whose receipt the office has acknowledged since they were last sent."),
    Measure("answers", "", "Answers, by recipient: each answer to each agency that might have it."),
    Measure("answers_sent", "answers", "Answers written to their recipient."),
    Measure("answers_withheld", "answers", "Answers that the recipient was not sent: its profile or policy says so."),
    Measure("answers_acknowledged", "answers_sent", "Answers acknowledged since they were last sent."),
)  # fmt: skip
"""In rows of a gallery."""

MEASURES: Final = {measure.name: measure for measure in (*SUBMISSIONS, *QUESTIONS)}

STATES: Final = ("pending", "review", "match", "no_match", "partial", "error")

PARTS: Final = (
    Parts("submissions", ("erased",), complete=False),
    Parts("asked", ("searched",), complete=False),
    Parts("asked", ("answered",), complete=False),
    Parts("asked", STATES, complete=True),
    Parts("match", ("match_confirmed", "match_unconfirmed", "match_frozen"), complete=True),
    Parts("searched", ("reviewed",), complete=False),
    Parts("reviewed", ("review_open", "confirmed", "refuted", "inconclusive", "review_withdrawn"), complete=True),
    Parts("hits", ("reversed",), complete=False),
    Parts("hits", ("disputed",), complete=False),
    Parts("disputed", ("dispute_open", "dispute_upheld", "dispute_reversed"), complete=True),
    Parts("notices", ("notified", "notices_withheld"), complete=True),
    Parts("notified", ("acknowledged",), complete=False),
    Parts("answers", ("answers_sent", "answers_withheld"), complete=True),
    Parts("answers_sent", ("answers_acknowledged",), complete=False),
)
"""Every relation between the measures of a row."""

HABITS: Final = (
    (("match",), ("hits without reversed",)),
    (("hits",), ("notices",)),
    (("review",), ("review_open",)),
    (("pending", "review"), ("asked without answered",)),
)
"""Sums that are equal as a rule, though not by definition: where they are, one tells the other."""

TIMES: Final = {
    "response": Measure("response", "answered", "Seconds from the submission to the first answer that went out."),
    "matcher": Measure("matcher", "searched", "Seconds from the submission to the matcher's answer; its last one, "
                       "where it was asked again."),
}  # fmt: skip
"""What is timed, by quantiles; `of` names how many were."""

QUANTILES: Final = (0.5, 0.9, 0.99)
