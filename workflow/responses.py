"""EBTS responses to a submission: which file says what an answer says, for agencies that take files."""

import uuid
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Final

import structlog

from tenprint.workflow.agencies import Agency
from tenprint.workflow.ebts.errors import ResponseError
from tenprint.workflow.ebts.responses import (
    ImmigrationError,
    ImmigrationMatch,
    ImmigrationNoMatch,
    Provenance,
    RapidFinding,
    ResponseHeader,
    immigration_results,
    rapid_results,
    search_failure,
    search_results,
)
from tenprint.workflow.policy import Policy
from tenprint.workflow.submissions import Kept
from tenprint.workflow.types import Gallery, Leg, LegState, Link

IDENTITY_ONLY: Final = "identity only, not a status; verify before action"
"""Stands in everything that tells of a hit."""

NOT_SHARED: Final = "NOT SHARED"
"""In the place of a record's reference that policy does not grant."""

_RAPID: Final = frozenset({"RPIS"})
_SEARCHED: Final = {Gallery.CRIMINAL: "criminal records", Gallery.IMMIGRATION: "immigration records"}
_log = structlog.get_logger(__name__)

_OWN: Final = uuid.UUID("6f0f5c35-7f1d-4c5e-9d6e-0a3f6d1f7c11")


def file_for(
    submission: Kept, leg: Leg, link: Link | None, recipient: Agency, policy: Policy, granted: Collection[str]
) -> bytes:
    """The EBTS response, Types 1 and 2, to a settled leg; empty where policy grants the recipient no outcome.

    Criminal: SRE, or RPISR to a rapid search, or ERRT. Immigration: IDR. Partial and error are never a "no match".
    The same answer has the same TCN, however often its file is made. A value that a file cannot carry, a separator in
    the policy's words say, costs the file, which is logged, and not the answer.
    """
    if "outcome" not in granted:
        return b""
    try:
        return _written(submission, leg, link, recipient, policy, granted)
    except ResponseError as error:
        _log.error("response_not_written", gallery=leg.key.gallery, problem=str(error))
        return b""


def _written(
    submission: Kept, leg: Leg, link: Link | None, recipient: Agency, policy: Policy, granted: Collection[str]
) -> bytes:
    settled = leg.settled_at or datetime.now(UTC)
    about = f"{submission.submission_id}/{leg.key.gallery}/{settled.isoformat()}/{recipient.ori}"
    header = ResponseHeader(
        tcn=str(uuid.uuid5(_OWN, about)),
        tcr=submission.tcn,
        from_ori=submission.destination,
        to_ori=recipient.ori,
        priority=submission.priority,
        at=settled,
    )
    reference = None
    if link is not None:
        reference = link.subject_id if "subject_id" in granted else NOT_SHARED
    provenance = Provenance(f"{policy.source}, {_SEARCHED[leg.key.gallery]}", settled.date(), policy.complaints)
    stations = [submission.controlling_agency]
    attention = submission.attention or None
    confirmed = link is not None and link.is_confirmed
    if leg.key.gallery is Gallery.IMMIGRATION:
        result: ImmigrationMatch | ImmigrationNoMatch | ImmigrationError
        if reference is not None:
            result = ImmigrationMatch(reference, confirmed, provenance)
        elif leg.state is LegState.NO_MATCH:
            result = ImmigrationNoMatch(provenance)
        else:
            result = ImmigrationError(leg.problem or leg.state, provenance)
        return immigration_results(header, result, controlling_agencies=stations, attention=attention)
    if leg.state in {LegState.PARTIAL, LegState.ERROR}:
        return search_failure(
            header,
            searched=_SEARCHED[leg.key.gallery],
            problem=leg.problem or leg.state,
            controlling_agencies=stations,
            attention=attention,
        )
    if submission.tot in _RAPID:
        finding = RapidFinding.GREEN if reference is None else RapidFinding.RED if confirmed else RapidFinding.YELLOW
        note = f"{reference}: {IDENTITY_ONLY}" if reference else "nobody was identified in the records searched"
        return rapid_results(
            header, finding=finding, attention=attention or "NONE", note=note, controlling_agencies=stations
        )
    name = submission.demographics.get("NAM", [])
    return search_results(
        header,
        subject_reference=reference,
        confirmed=confirmed,
        name=name[0] if name and "demographics" in granted else None,
        controlling_agencies=stations,
        provenance=provenance,
        attention=attention,
    )
