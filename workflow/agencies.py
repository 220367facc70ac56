"""Who takes part: agencies as data."""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from tenprint.workflow import schema
from tenprint.workflow.errors import NotEntitledError, UnknownAgencyError
from tenprint.workflow.types import Channel, Role

NOBODY = ""
"""In the place of an ORI."""


@dataclass(frozen=True, slots=True)
class Agency:
    """An agency and what it may have and do.

    Attributes:
        ori: nine capital letters and digits.
        name: for people.
        role: what it is in the flow.
        jurisdiction: a state or county, as this deployment calls it; statistics and subscriptions go by it.
        bureau: ORI of the state bureau through which its answers go; "": they go straight to it.
        field_office: ORI of the office that is told of immigration matches of its bookings; "": nobody is.
        can_receive: whether its systems can take answers at all. One that cannot is sent nothing.
        channel: how it gets what is sent to it.
        address: of its webhook; "" for other channels.
        purposes: purpose codes under which it may submit; "C" criminal justice, "F" firearms and the like.
        reviews_both: may see findings about both databases.
        secret: signs its webhooks; "" where it has none. Never shown, never logged.
    """

    ori: str
    name: str
    role: Role
    jurisdiction: str
    bureau: str = NOBODY
    field_office: str = NOBODY
    can_receive: bool = True
    channel: Channel = Channel.STREAM
    address: str = ""
    purposes: tuple[str, ...] = ("C",)
    reviews_both: bool = False
    secret: str = dataclasses.field(default="", repr=False)


_PROFILE = ("can_receive", "channel", "address", "purposes", "reviews_both")


def find(connection: Connection, ori: str) -> Agency | None:
    """The agency of an ORI."""
    row = connection.execute(select(schema.agency).where(schema.agency.c.ori == ori)).mappings().one_or_none()
    return None if row is None else _read(row)


def known(connection: Connection, ori: str, field: str) -> Agency:
    """The agency of an ORI that must be known.

    Raises:
        UnknownAgencyError: if it is not; `field` is where the caller named it.
    """
    agency = find(connection, ori)
    if agency is None:
        raise UnknownAgencyError(field, ori)
    return agency


def in_role(connection: Connection, ori: str, field: str, *roles: Role) -> Agency:
    """The agency of an ORI that must have one of some roles.

    Raises:
        UnknownAgencyError: if it is not known.
        NotEntitledError: if it has another role.
    """
    agency = known(connection, ori, field)
    if agency.role not in roles:
        raise NotEntitledError(field, f"{ori} is {agency.role}; this is for {' or '.join(roles)} alone")
    return agency


def all_of(connection: Connection) -> list[Agency]:
    """Every agency, by ORI."""
    return [_read(row) for row in connection.execute(select(schema.agency).order_by(schema.agency.c.ori)).mappings()]


def replace(connection: Connection, agencies: Iterable[Agency]) -> None:
    """Put agencies in, each in the place of the one with its ORI. Others stay.

    A secret that is "" keeps the one that is stored.
    """
    for agency in agencies:
        before = find(connection, agency.ori)
        connection.execute(delete(schema.agency).where(schema.agency.c.ori == agency.ori))
        row = {field.name: getattr(agency, field.name) for field in dataclasses.fields(agency)}
        row["profile"] = json.dumps({name: row.pop(name) for name in _PROFILE})
        row["secret"] = agency.secret or ("" if before is None else before.secret)
        connection.execute(insert(schema.agency).values(row))


def _read(row: Mapping[Any, Any]) -> Agency:
    profile = json.loads(row["profile"])
    return Agency(
        ori=row["ori"],
        name=row["name"],
        role=Role(row["role"]),
        jurisdiction=row["jurisdiction"],
        bureau=row["bureau"],
        field_office=row["field_office"],
        can_receive=profile["can_receive"],
        channel=Channel(profile["channel"]),
        address=profile["address"],
        purposes=tuple(profile["purposes"]),
        reviews_both=profile["reviews_both"],
        secret=row["secret"],
    )
