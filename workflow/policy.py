"""Policy: thresholds, bars, deadlines, and what is shared with whom. Data, and versioned: a change is a new version."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection, insert, select

from tenprint.store.database import utc
from tenprint.workflow import schema
from tenprint.workflow.types import Gallery, Role

Fpir = Annotated[float, Field(gt=0, lt=1)]

SHAREABLE = ("outcome", "subject_id", "expected_fpir", "score", "demographics")
"""Fields of an answer that policy grants or withholds; what identifies the transaction always goes."""


class Bands(BaseModel):
    """Where a gallery's candidates fall, by the expected FPIR of their score in a gallery of today's size.

    A candidate for which the calibration claims nothing is for review, whatever its score.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    match_fpir: Annotated[Fpir, Field(description="at or below: match band")] = 1e-2
    review_fpir: Annotated[Fpir, Field(description="at or below: review band; above: not a candidate")] = 1e-1
    least_score: Annotated[
        float | None, Field(ge=-1, le=1.1, description="and nothing below this score; unset: no such floor")
    ] = None
    lights_out_fpir: Annotated[
        Fpir | None, Field(description="at or below: answered and notified without an examiner, marked so; unset: off")
    ] = None

    @model_validator(mode="after")
    def _rising(self) -> "Bands":
        if self.match_fpir > self.review_fpir:
            raise ValueError("match_fpir must not be above review_fpir")
        if self.lights_out_fpir is not None and self.lights_out_fpir > self.match_fpir:
            raise ValueError("lights_out_fpir must not be above match_fpir")
        return self


class Policy(BaseModel):
    """Everything that people may decide about the flow without a change of code."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    bands: dict[Gallery, Bands] = {Gallery.CRIMINAL: Bands(), Gallery.IMMIGRATION: Bands()}
    shares: Annotated[
        dict[Role, tuple[str, ...]], Field(description="fields of an answer, by the recipient's role; absent: none")
    ] = {
        Role.STATE_BUREAU: SHAREABLE,
        Role.BOOKING: ("outcome", "subject_id"),
        Role.FIELD_OFFICE: ("outcome", "subject_id", "expected_fpir", "demographics"),
    }
    second_examiner: Annotated[bool, Field(description="identifications need two examiners who agree")] = True
    examine_lights_out: Annotated[
        bool, Field(description="examiners look afterwards at what was answered by the lights-out bar")
    ] = True
    lease_seconds: Annotated[int, Field(ge=10, le=86_400, description="how long a case is one examiner's")] = 1800
    case_hours: Annotated[
        dict[int, float], Field(description="hours until a case is overdue, by priority 1 to 9; absent: 24")
    ] = {1: 0.25, 2: 2.0}
    leg_attempts: Annotated[int, Field(ge=1, le=1000, description="times a matcher is asked before ERROR")] = 8
    delivery_attempts: Annotated[int, Field(ge=1, le=1000, description="before a message is dead")] = 12
    keep_undelivered_days: Annotated[
        int,
        Field(
            ge=1,
            le=3660,
            description="how long what describes a person of whom nothing may be kept waits in messages that nobody "
            "acknowledges; then it is erased and the message is dead",
        ),
    ] = 30
    subscription_days: Annotated[int, Field(ge=1, le=3660, description="longest life of a subscription")] = 365
    least_count: Annotated[int, Field(ge=1, description="public statistics hide counts from 1 to below this")] = 10
    source: Annotated[str, Field(max_length=100, description="named in notices as their source")] = "tenprint"
    complaints: Annotated[
        str, Field(min_length=1, max_length=200, description="where a person complains; printed in every answer")
    ] = "the agency that took the prints"

    @model_validator(mode="after")
    def _known(self) -> "Policy":
        if missing := set(Gallery) - set(self.bands):
            raise ValueError(f"bands: {min(missing)} is missing")
        for role, fields in self.shares.items():
            if unknown := set(fields) - set(SHAREABLE):
                raise ValueError(f"shares.{role}: {min(unknown)} is none of {', '.join(SHAREABLE)}")
        return self

    def hours(self, priority: int) -> float:
        """Hours until a case of this priority, 1 to 9, is overdue."""
        return self.case_hours.get(priority, 24.0)


def current(connection: Connection) -> tuple[int, Policy]:
    """The newest policy and its version; version 0, the defaults, where none was ever set."""
    query = select(schema.policy.c.version, schema.policy.c.document).order_by(schema.policy.c.version.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return (0, Policy()) if row is None else (row.version, Policy.model_validate_json(row.document))


@dataclass(frozen=True, slots=True)
class Version:
    """When a policy was put in force, and by whom."""

    version: int
    at: datetime
    author: str


def by_version(connection: Connection, version: int) -> Policy | None:
    """An earlier policy; version 0: the defaults; None: there was none of this version."""
    if version == 0:
        return Policy()
    query = select(schema.policy.c.document).where(schema.policy.c.version == version)
    document = connection.execute(query).scalar_one_or_none()
    return None if document is None else Policy.model_validate_json(document)


def history(connection: Connection) -> list[Version]:
    """Every version that was put in force, newest first."""
    table = schema.policy
    query = select(table.c.version, table.c.at, table.c.author).order_by(table.c.version.desc())
    return [Version(row.version, utc(row.at), row.author) for row in connection.execute(query)]


def replace(connection: Connection, policy: Policy, author: str) -> int:
    """Put a policy in force; its version."""
    values = {"at": datetime.now(UTC), "author": author, "document": json.dumps(policy.model_dump(mode="json"))}
    return int(connection.execute(insert(schema.policy).values(values).returning(schema.policy.c.version)).scalar_one())
