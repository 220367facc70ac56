"""Examination: a case is leased to an examiner, who looks and says who it is; enough of them decide it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update

from tenprint.server.errors import InvalidRequestError, Violation
from tenprint.workflow import agencies, cases, corrections, legs, schema, submissions
from tenprint.workflow.cases import Case
from tenprint.workflow.errors import NotEntitledError, StateError
from tenprint.workflow.opinions import Verdict, verdict
from tenprint.workflow.policy import Policy, current
from tenprint.workflow.types import CaseState, Decision, Leg, Role


def next_case(connection: Connection, examiner: str, ori: str, now: datetime) -> Case | None:
    """Lease the first open case that an examiner may decide; None: there is none.

    Whoever holds a case is given that one again: a lost answer costs nothing, and nobody holds two.

    Raises:
        UnknownAgencyError: if the ORI is not known.
        NotEntitledError: if it is no examiners' unit.
    """
    agencies.in_role(connection, ori, "ori", Role.EXAMINER_UNIT)
    _, policy = current(connection)
    table, opinion = schema.case, schema.opinion
    said = select(opinion.c.case_id).where(opinion.c.examiner == examiner)
    query = (
        select(table.c.case_id)
        .where(table.c.state == CaseState.OPEN, _free(examiner, now), table.c.case_id.not_in(said))
        .order_by((table.c.leased_by == examiner).desc(), *cases.order(now))
    )
    for case_id in connection.execute(query).scalars().all():
        found = cases.by_id(connection, case_id)
        if _may_look(connection, found, examiner, ori) and _lease(connection, case_id, examiner, policy, now):
            return cases.by_id(connection, case_id)
    return None


def renew(connection: Connection, case_id: str, examiner: str, ori: str, now: datetime) -> Case:
    """Hold a case longer: as long as policy leases one, from now.

    Raises:
        StateError: if it is not this examiner's any more.
    """
    agencies.in_role(connection, ori, "ori", Role.EXAMINER_UNIT)
    _, policy = current(connection)
    _check_lease(cases.held(connection, case_id), examiner, now)
    _lease(connection, case_id, examiner, policy, now)
    return cases.by_id(connection, case_id)


def release(connection: Connection, case_id: str, examiner: str, ori: str, now: datetime) -> None:
    """Give a case back undecided.

    Raises:
        StateError: if it is not this examiner's any more.
    """
    agencies.in_role(connection, ori, "ori", Role.EXAMINER_UNIT)
    _check_lease(cases.held(connection, case_id), examiner, now)
    cases.change(connection, case_id, leased_by="", leased_until=None)


def shown(connection: Connection, case_id: str, examiner: str, ori: str, now: datetime) -> Case:
    """A case that an examiner may look at: one that is theirs now, or one that is closed.

    Raises:
        StateError: if it is open, and not theirs.
    """
    agencies.in_role(connection, ori, "ori", Role.EXAMINER_UNIT)
    found = cases.by_id(connection, case_id)
    if found.state is CaseState.OPEN:
        _check_lease(found, examiner, now)
    return found


def decide(
    connection: Connection, case_id: str, examiner: str, ori: str, said: Verdict, reason: str, now: datetime
) -> Case:
    """Take an examiner's opinion, and close the case where the opinions come to something.

    The same opinion given again changes nothing.

    Args:
        connection: in a writing transaction.
        case_id: the case; the examiner holds its lease.
        examiner: who says it; one name in the whole deployment.
        ori: of the examiner's unit.
        said: an identification names one of the candidates.
        reason: 1 to 1000 characters.
        now: the time.

    Raises:
        StateError: if the case is closed, not this examiner's now, or decided by them otherwise before.
        InvalidRequestError: if the person named is none of the candidates, or one is named where none should be.
        NotEntitledError: if the unit is a party to the case, or the examiner is barred.
    """
    agencies.in_role(connection, ori, "ori", Role.EXAMINER_UNIT)
    found = cases.held(connection, case_id)
    before = next((item for item in cases.opinions_of(connection, case_id) if item.examiner == examiner), None)
    if before is not None:
        if (before.verdict, before.reason) == (said, reason):
            return found
        raise StateError("case_id", f"{examiner} has decided it before, and otherwise")
    _check_lease(found, examiner, now)
    if not _may_look(connection, found, examiner, ori):
        raise NotEntitledError("examiner", "has looked at these prints before, or is of an agency that this is about")
    leg = legs.find(connection, found.key)
    _check(said, leg)
    connection.execute(
        insert(schema.opinion).values(
            case_id=case_id,
            examiner=examiner,
            ori=ori,
            decision=said.decision,
            subject_id=said.subject_id,
            reason=reason,
            at=now,
        )
    )
    _, policy = current(connection)
    come_to = verdict(cases.opinions_of(connection, case_id), found.kind, second_examiner=policy.second_examiner)
    if come_to is None:
        cases.change(connection, case_id, leased_by="", leased_until=None)
        return cases.by_id(connection, case_id)
    cases.close(connection, case_id, come_to.decision, come_to.subject_id, now)
    corrections.conclude(connection, leg, come_to, case_id=case_id, link_id=found.link_id, actor=examiner)
    return cases.by_id(connection, case_id)


def _free(examiner: str, now: datetime) -> Any:
    table = schema.case
    return or_(table.c.leased_until.is_(None), table.c.leased_until <= now, table.c.leased_by == examiner)


def _lease(connection: Connection, case_id: str, examiner: str, policy: Policy, now: datetime) -> bool:
    """Whether it is the examiner's now: of two who try at once, the database lets one."""
    table = schema.case
    until = now + timedelta(seconds=policy.lease_seconds)
    which = (table.c.case_id == case_id, table.c.state == CaseState.OPEN, _free(examiner, now))
    changed = connection.execute(update(table).where(*which).values(leased_by=examiner, leased_until=until))
    return changed.rowcount == 1


def _may_look(connection: Connection, found: Case, examiner: str, ori: str) -> bool:
    """Whether somebody is free to judge a case: has not judged these prints before, and is no party to it."""
    submission = submissions.by_id(connection, found.key.submission_id)
    return examiner not in found.barred and ori not in cases.parties(connection, submission)


def _check_lease(found: Case, examiner: str, now: datetime) -> None:
    """Refuse a case that an examiner does not hold now."""
    if found.state is CaseState.CLOSED:
        raise StateError("case_id", "the case is closed")
    if found.leased_by != examiner or found.leased_until is None or found.leased_until <= now:
        raise StateError("case_id", f"the case is not leased to {examiner} now; take the next one")


def _check(said: Verdict, leg: Leg) -> None:
    names = sorted({item.subject_id for item in leg.candidates})
    if said.decision is not Decision.IDENTIFICATION:
        if said.subject_id:
            raise InvalidRequestError([Violation("subject_id", f"names nobody in an {said.decision}")])
    elif said.subject_id not in names:
        raise InvalidRequestError([Violation("subject_id", f"must be one of the candidates: {', '.join(names)}")])
