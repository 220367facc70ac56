"""Agencies from files: CSV with a header, or YAML with a list, checked as a whole before anything is changed."""

import csv
import dataclasses
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator, model_validator
from sqlalchemy import Connection

from tenprint.workflow import agencies, deliveries, webhooks
from tenprint.workflow.agencies import Agency
from tenprint.workflow.types import Channel, Role

MAX_BYTES: Final = 10_000_000
"""Largest file."""

MAX_AGENCIES: Final = 50_000
"""Agencies in a file at most."""

_LISTS: Final = ("purposes",)
_SWITCHES: Final = ("can_receive", "reviews_both")
_TRUTH: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

_Ori = Annotated[str, Field(pattern=r"^[A-Z0-9]{9}$", description="nine capital letters and digits")]
_OriOrNone = Annotated[str, BeforeValidator(lambda value: value or ""), Field(pattern=r"^([A-Z0-9]{9})?$")]


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a file: its line, counted from 1, the field, "" where it is the whole line, and why."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        where = f"line {self.line}" + (f", {self.field}" if self.field else "")
        return f"{where}: {self.message}"


class AgencyFileError(Exception):
    """A file of agencies that cannot be taken; `problems` has every reason."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda item: (item.line, item.field)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file changes: ORIs, in its order.

    Attributes:
        added: that were not known.
        changed: that were known with something else.
        unchanged: that were known just so.
        without_secret: that get webhooks and have no secret to sign them with yet: nothing is sent to them until then.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    without_secret: tuple[str, ...]


class _Row(BaseModel):
    """An agency as a file has it. Secrets are never in files."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    ori: _Ori
    name: Annotated[str, Field(min_length=1, max_length=200)]
    role: Role
    jurisdiction: Annotated[str, Field(min_length=1, max_length=100)]
    bureau: _OriOrNone = ""
    field_office: _OriOrNone = ""
    can_receive: bool = True
    channel: Channel = Channel.STREAM
    address: Annotated[str, BeforeValidator(lambda value: value or ""), Field(max_length=2000)] = ""
    purposes: Annotated[tuple[str, ...], Field(max_length=20)] = ("C",)
    reviews_both: bool = False

    @field_validator("purposes")
    @classmethod
    def _codes(cls, purposes: tuple[str, ...]) -> tuple[str, ...]:
        for code in purposes:
            if not (1 <= len(code) <= 8 and code.isascii() and code.isalpha() and code.isupper()):
                raise ValueError(f"{code!r} is no purpose code: one to eight capital letters")
        return purposes

    @model_validator(mode="after")
    def _consistent(self) -> "_Row":
        if (self.channel is Channel.WEBHOOK) != bool(self.address):
            raise ValueError("address: is given for the channel webhook, and for no other")
        if self.role is not Role.BOOKING and (self.bureau or self.field_office):
            raise ValueError("bureau, field_office: are for the role booking alone")
        return self


def read(content: bytes, suffix: str, *, plain_webhooks: bool) -> dict[int, Agency]:
    """The agencies of a file, by the line that each begins on.

    Args:
        content: of the file.
        suffix: ".csv", ".yaml" or ".yml": how it is written.
        plain_webhooks: whether webhooks may go over http to other machines than the server's.

    Raises:
        AgencyFileError: with everything that is wrong with single agencies.
    """
    if len(content) > MAX_BYTES:
        raise AgencyFileError([Problem(1, "", f"the file has {len(content)} bytes; at most {MAX_BYTES} are allowed")])
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise AgencyFileError([Problem(line, "", "is not UTF-8")]) from error
    rows = _csv(text) if suffix == ".csv" else _yaml(text) if suffix in {".yaml", ".yml"} else None
    if rows is None:
        raise AgencyFileError([Problem(1, "", f"{suffix or 'a file without a suffix'} is not read: .csv, .yaml, .yml")])
    if len(rows) > MAX_AGENCIES:
        raise AgencyFileError([Problem(1, "", f"has {len(rows)} agencies; at most {MAX_AGENCIES} are allowed")])
    problems: list[Problem] = []
    found: dict[int, Agency] = {}
    first: dict[str, int] = {}
    for line, fields in rows:
        try:
            row = _Row.model_validate(fields)
        except ValidationError as error:
            problems += [_problem(line, item) for item in error.errors(include_url=False, include_input=False)]
            continue
        if row.address and (fault := webhooks.fault(row.address, plain=plain_webhooks)):
            problems.append(Problem(line, "address", fault))
        if row.ori in first:
            problems.append(Problem(line, "ori", f"{row.ori} is on line {first[row.ori]} already"))
        first.setdefault(row.ori, line)
        found[line] = Agency(**row.model_dump())
    if problems:
        raise AgencyFileError(problems)
    return found


def take(connection: Connection, rows: Mapping[int, Agency], now: Any, *, dry_run: bool) -> Imported:
    """Put the agencies of a file in, each in the place of the one with its ORI; others stay.

    What waits for one whose channel or address is changed goes the new way.

    Args:
        connection: in a writing transaction.
        rows: as :func:`read` gives them.
        now: the time.
        dry_run: tell, and change nothing.

    Raises:
        AgencyFileError: if bureaus or offices are not known as such, in the file or before. Nothing is changed then.
    """
    before = {agency.ori: agency for agency in agencies.all_of(connection)}
    after = before | {agency.ori: agency for agency in rows.values()}
    problems = []
    for line, agency in rows.items():
        for field, ori, role in (
            ("bureau", agency.bureau, Role.STATE_BUREAU),
            ("field_office", agency.field_office, Role.FIELD_OFFICE),
        ):
            named = after.get(ori)
            if ori and (named is None or named.role is not role):
                what = "is not known" if named is None else f"is {named.role}"
                problems.append(Problem(line, field, f"{ori} {what}; it must be a {role}, in this file or before"))
    lines = {agency.ori: line for line, agency in rows.items()}
    for agency in before.values():  # who is not in the file, and names somebody whose role the file changes
        if agency.ori in lines:
            continue
        for field, ori, role in (
            ("bureau", agency.bureau, Role.STATE_BUREAU),
            ("field_office", agency.field_office, Role.FIELD_OFFICE),
        ):
            if ori in lines and after[ori].role is not role:
                problems.append(Problem(lines[ori], "role", f"{agency.ori} names {ori} as its {field}: a {role}"))
    if problems:
        raise AgencyFileError(problems)
    secrets = {ori: agency.secret for ori, agency in before.items()}
    new = [dataclasses.replace(agency, secret=secrets.get(agency.ori, "")) for agency in rows.values()]
    imported = Imported(
        tuple(agency.ori for agency in new if agency.ori not in before),
        tuple(agency.ori for agency in new if agency.ori in before and before[agency.ori] != agency),
        tuple(agency.ori for agency in new if before.get(agency.ori) == agency),
        tuple(agency.ori for agency in new if agency.channel is Channel.WEBHOOK and not agency.secret),
    )
    if not dry_run:
        agencies.replace(connection, new)
        for agency in new:
            if agency.ori in imported.changed:
                deliveries.reroute(connection, agency, now)
    return imported


def _problem(line: int, item: Any) -> Problem:
    field = ".".join(str(part) for part in item["loc"])
    message = item["msg"].removeprefix("Value error, ")
    if not field and ": " in message:
        field, _, message = message.partition(": ")
    return Problem(line, field, message)


def _csv(text: str) -> list[tuple[int, dict[str, Any]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    rows: list[tuple[int, dict[str, Any]]] = []
    problems: list[Problem] = []
    header: list[str] | None = None
    try:
        begun = 1
        for cells in reader:
            line, begun = begun, reader.line_num + 1
            if not any(cell.strip() for cell in cells):
                continue
            if header is None:
                header = [cell.strip() for cell in cells]
                if len(set(header)) != len(header):
                    problems.append(Problem(line, "", "the header has a name twice"))
            elif len(cells) != len(header):
                problems.append(Problem(line, "", f"has {len(cells)} fields; the header has {len(header)}"))
            else:
                rows.append((line, _plain(dict(zip(header, cells, strict=True)))))
    except csv.Error as error:
        problems.append(Problem(max(reader.line_num, 1), "", f"is no CSV: {error}"))
    if problems:
        raise AgencyFileError(problems)
    return rows


def _plain(cells: dict[str, str]) -> dict[str, Any]:
    """Cells as values; an empty one is one that is not given."""
    fields: dict[str, Any] = {}
    for name, cell in cells.items():
        value = cell.strip()
        if not value:
            continue
        if name in _LISTS:
            fields[name] = value.split()
        elif name in _SWITCHES:
            fields[name] = _TRUTH.get(value.lower(), value)
        else:
            fields[name] = value
    return fields


def _yaml(text: str) -> list[tuple[int, dict[str, Any]]]:
    try:
        node = yaml.compose(text, yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = 1 if mark is None else mark.line + 1
        raise AgencyFileError([Problem(line, "", "is no YAML")]) from error
    except (ValueError, RecursionError) as error:  # a date that is none; lists nested without end
        raise AgencyFileError([Problem(1, "", "is no YAML of agencies")]) from error
    listed = document.get("agencies") if isinstance(document, dict) and set(document) == {"agencies"} else None
    if not isinstance(listed, list) or not isinstance(node, yaml.MappingNode) or len(node.value) != 1:
        raise AgencyFileError([Problem(1, "", "must hold `agencies:` with a list, and nothing else")])
    rows = []
    for item, place in zip(listed, node.value[0][1].value, strict=True):
        line = place.start_mark.line + 1
        if not isinstance(item, dict) or not all(isinstance(name, str) for name in item):
            raise AgencyFileError([Problem(line, "", "must be a mapping of field names to values")])
        rows.append((line, item))
    return rows
