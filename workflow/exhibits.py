"""Exhibits: what an examiner is shown of a case: two print sets, and what the matcher measured between them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from tenprint.fingerprint.errors import FingerprintError
from tenprint.fingerprint.itl import Impression, read_transaction
from tenprint.workflow import cases, legs, reviews, submissions
from tenprint.workflow.cases import Case
from tenprint.workflow.opinions import Opinion
from tenprint.workflow.reviews import Finding
from tenprint.workflow.types import Candidate, CaseState, LegKey

MAX_IMAGE_BYTES: Final = 24_000_000
"""Of all images shown at once: what a message takes (33,554,432 bytes by default) less a margin."""


@dataclass(frozen=True, slots=True, eq=False)
class Prints:
    """One side's prints. `missing`: why some are; "": none is."""

    images: tuple[Impression, ...] = ()
    missing: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Exhibit:
    """What is shown of a case.

    Attributes:
        case: the case.
        probe: the prints that were searched.
        caveats: what became of each of them at the matcher: those that it could not use well.
        candidates: best first, each with the prints that are held of it here.
        findings: what does not fit together and concerns a candidate.
        opinions: what was said; empty while somebody has to judge without knowing it.
    """

    case: Case
    probe: Prints
    caveats: Sequence[Mapping[str, Any]]
    candidates: Sequence[tuple[Candidate, Prints]]
    findings: Sequence[Finding]
    opinions: Sequence[Opinion]


def build(connection: Connection, case: Case, ori: str, positions: Collection[int]) -> Exhibit:
    """Put together what is held here of a case's prints.

    Args:
        connection: to read from.
        case: one that the examiner may see.
        ori: of the examiner's unit.
        positions: FGP of the images wanted; empty: all.
    """
    leg = legs.find(connection, case.key)
    room = _Room(MAX_IMAGE_BYTES)
    probe = submissions.by_id(connection, case.key.submission_id)
    erased = "the prints are erased: nothing of the submission may be kept"
    shown = _prints(probe.file, erased, positions, room)
    candidates = []
    for candidate in leg.candidates:
        kept = submissions.by_encounter(connection, candidate.encounter_id)
        elsewhere = "no images are held here: the record was not enrolled through this server, or they are erased"
        candidates.append((candidate, _prints(None if kept is None else kept.file, elsewhere, positions, room)))
    subjects = frozenset(candidate.subject_id for candidate in leg.candidates)
    return Exhibit(
        case=case,
        probe=shown,
        caveats=[sample for sample in leg.samples if sample.get("status") != "used" or sample.get("detail")],
        candidates=candidates,
        findings=reviews.about_persons(connection, ori, case.key.gallery, subjects),
        opinions=cases.opinions_of(connection, case.case_id) if _may_be_known(connection, case.key) else (),
    )


def margin(candidates: Sequence[Candidate], number: int) -> float | None:
    """How much better a candidate scored than the next; None: there is no next."""
    return candidates[number].score - candidates[number + 1].score if number + 1 < len(candidates) else None


@dataclass(slots=True)
class _Room:
    """Bytes of images that may still be shown."""

    left: int


def _prints(file: bytes | None, why_none: str, positions: Collection[int], room: _Room) -> Prints:
    if file is None:
        return Prints(missing=why_none)
    try:
        found = read_transaction(file).impressions
    except FingerprintError as error:
        return Prints(missing=str(error))
    shown, missing = [], ""
    for impression in found:
        if positions and impression.position not in positions:
            continue
        if len(impression.data) > room.left:
            missing = "images are left out, because the answer would be too large: ask for some positions"
            continue
        room.left -= len(impression.data)
        shown.append(impression)
    return Prints(tuple(shown), missing)


def _may_be_known(connection: Connection, key: LegKey) -> bool:
    """Whether no examiner has to judge a leg's prints without knowing what others said of them."""
    return all(case.state is CaseState.CLOSED for case in cases.of_leg(connection, key))
