"""A submission: what an EBTS file of a booking, an applicant or a search says, once it may be taken."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Final

from tenprint.fingerprint.errors import TransactionError
from tenprint.fingerprint.itl import Transaction, transaction_of
from tenprint.fingerprint.itl_records import DEFAULT_LIMITS, ItlRecord, TransactionLimits, split_records
from tenprint.fingerprint.positions import FingerPosition
from tenprint.workflow.ebts.errors import Problem, Sender, SubmissionError
from tenprint.workflow.ebts.transaction_types import TransactionType, transaction_types, types_not_taken
from tenprint.workflow.ebts.type2_fields import FieldRule, field_rules, is_ori, is_tcn, read_date

DEFAULT_PRIORITY: Final = 9
"""PRY (1.006) of a file that names none."""
_TOT: Final = re.compile(r"[A-Z]{3,5}")
_HEAD_BYTES: Final = 4096
_HEAD_FIELD: Final = re.compile(rb"\x1d1\.0*([789]):([\x20-\x7e]{1,64})(?=[\x1c\x1d])")
_UTF_8: Final = 3  # index of the character set in 1.015
_KNOWN_REPOSITORIES: Final = range(1, 16)
_RETAINED: Final = "Y"
_OFFENCE_CODE: Final = re.compile(r"([0-9]{4})(?![0-9])")
_NOT_HELD: Final = re.compile(r"\bNOT (IN CUSTODY|HELD|DETAINED)\b")
_AT_LARGE: Final = re.compile(r"\b(RELEASED|BAIL|BOND|PAROLE|PROBATION|DISCHARGED|ESCAPED)\b")
_HELD: Final = re.compile(r"\b(CUSTODY|HELD|DETAINED|INCARCERATED|JAIL|PRISON|CONFINED)\b")


@dataclass(frozen=True, slots=True)
class Offence:
    """What somebody was arrested for (2.047 ASL).

    Attributes:
        date: when it happened; None where the file leaves it out.
        literal: in words, as sent.
        ncic_code: the four digits that the words begin with; None where they do not.
    """

    date: date | None
    literal: str
    ncic_code: str | None


@dataclass(frozen=True, slots=True)
class ClaimedIdentity:
    """Who the submitter says it is. Nothing of it takes part in a comparison.

    Attributes:
        name: 2.018; None where the file gives none.
        birth_date: 2.022, the first where several are given; None where unknown.
        sid: 2.015, the first; None where the file gives none.
        fbi_numbers: 2.014.
    """

    name: str | None
    birth_date: date | None
    sid: str | None
    fbi_numbers: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Submission:
    """A file that may be taken.

    Attributes:
        tot: type of transaction (1.004), ``"CAR"``.
        date: 1.005.
        priority: 1 (soonest) to 9 (1.006).
        destination: ORI of the addressee (1.007).
        ori: of the submitter (1.008).
        tcn: the submitter's number of this transaction (1.009), 10 to 40 printable characters.
        tcr: of the transaction it refers to (1.010); None where it refers to none.
        controlling_agencies: ORIs for which the submitter acts, the booking station first (2.073).
        retain: whether the submitter wants the prints kept: only where RET (2.005) is Y.
        attention: who asks (2.006).
        offences: 2.047, as listed.
        repositories: which files are to be searched (2.098), 9 for DHS IDENT; empty: the submitter does not say.
        send_copy_to: 2.007.
        claimed: who it is said to be.
        demographics: the Type-2 fields that this transaction provides for, by name (``"NAM"``), one string an
            occurrence, its items divided by a semicolon. To be passed along to those entitled to them; nothing else.
        custody: whether the person is in custody, where 2.055 says so in one of a few words; None: it does not say.
        file: what a search needs of the file; nothing about the person.
    """

    tot: str
    date: date
    priority: int
    destination: str
    ori: str
    tcn: str
    tcr: str | None
    controlling_agencies: tuple[str, ...]
    retain: bool
    attention: str | None
    offences: tuple[Offence, ...]
    repositories: tuple[int, ...]
    send_copy_to: tuple[str, ...]
    claimed: ClaimedIdentity
    demographics: Mapping[str, tuple[str, ...]]
    custody: bool | None
    file: Transaction


def read_submission(data: bytes, limits: TransactionLimits = DEFAULT_LIMITS) -> Submission:
    """Read an EBTS file and hold it against the rules of its transaction.

    Args:
        data: the file.
        limits: what it may be.

    Raises:
        SubmissionError: everything that is wrong, up to 11 problems, and whom to tell.
    """
    try:
        records = split_records(data, limits)
    except TransactionError as error:
        raise SubmissionError([Problem("1.001", "NOT_READABLE", f"LEN: {error.problem}")], sender_of(data)) from None
    header = records[0]
    problems = list(_header_problems(header))
    kind = transaction_types().get(header.text(4))
    if kind is None:
        raise SubmissionError([_tot_problem(header.text(4)), *problems], sender_of(data))
    file = transaction_of(records, limits)
    problems += _record_problems(kind, records, file)
    person = next((record for record in records if record.type == 2), None)
    utf_8 = any(row[0].strip().lstrip("0") == str(_UTF_8) for row in header.rows(15))
    fields, wrong = _fields(kind, person, utf_8=utf_8) if person is not None else ({}, [])
    problems += wrong
    made = read_date(header.text(5))
    if problems or made is None:
        raise SubmissionError(problems, sender_of(data))
    return _submission(kind, header, made, fields, file)


def retains(kind: TransactionType, retention: str) -> bool:
    """Whether a transaction's prints may be kept after the answer.

    Args:
        kind: of the transaction.
        retention: RET (2.005) as sent; anything but Y keeps nothing.
    """
    return kind.may_be_kept and retention.strip().upper() == _RETAINED


def sender_of(data: bytes) -> Sender:
    """Whom to tell of a file, read from its first bytes alone, however damaged the rest is."""
    head = data[:_HEAD_BYTES]
    if not re.match(rb"1\.0*1:", head):
        return Sender(None, None, None)
    found = {int(tag): value.decode("ascii").strip() for tag, value in _HEAD_FIELD.findall(head)}
    destination, ori, tcn = (found.get(tag, "") for tag in (7, 8, 9))
    return Sender(
        ori if is_ori(ori) else None,
        destination if is_ori(destination) else None,
        tcn if is_tcn(tcn) else None,
    )


def _tot_problem(tot: str) -> Problem:
    shown = tot if _TOT.fullmatch(tot) else "what 1.004 holds"
    why = types_not_taken().get(tot)
    if why is not None:
        return Problem("1.004", "NOT_TAKEN_HERE", f"TOT: {tot} is not taken here: {why}")
    allowed = ", ".join(transaction_types())
    return Problem("1.004", "UNKNOWN_TOT", f"TOT: {shown} is no transaction of EBTS 9.1; taken are {allowed}")


def _header_problems(header: ItlRecord) -> list[Problem]:
    problems = []
    form = "nine capital letters and digits"
    for tag, name in ((7, "DAI"), (8, "ORI")):
        if not is_ori(header.text(tag)):
            problems.append(_absent_or(f"1.{tag:03}", name, header.text(tag), "ORI_FORMAT", form))
    if not is_tcn(header.text(9)):
        problems.append(_absent_or("1.009", "TCN", header.text(9), "TCN_FORMAT", "10 to 40 printable characters"))
    if header.text(10) and not is_tcn(header.text(10)):
        problems.append(Problem("1.010", "TCN_FORMAT", "TCR: 10 to 40 printable characters are wanted"))
    if read_date(header.text(5)) is None:
        problems.append(_absent_or("1.005", "DAT", header.text(5), "BAD_FORMAT", "a date CCYYMMDD"))
    if header.text(6) and not re.fullmatch(r"[1-9]", header.text(6)):
        problems.append(Problem("1.006", "BAD_FORMAT", "PRY: a digit from 1 to 9 is wanted"))
    return problems


def _absent_or(tag: str, name: str, value: str, rule: str, form: str) -> Problem:
    if not value:
        return Problem(tag, "MISSING_FIELD", f"{name}: is mandatory; {form} are wanted")
    return Problem(tag, rule, f"{name}: {form} are wanted")


def _record_problems(kind: TransactionType, records: Sequence[ItlRecord], file: Transaction) -> list[Problem]:
    problems = []
    counts = Counter(record.type for record in records)
    for rule in kind.records:
        count = sum(counts.pop(number, 0) for number in rule.types)
        allowed = str(rule.least) if rule.least == rule.most else f"{rule.least} to {rule.most}"
        if not rule.least <= count <= rule.most:
            word = "TOO_FEW_RECORDS" if count < rule.least else "TOO_MANY_RECORDS"
            told = f"CNT: {count} {rule.label} records; {kind.tot} has {allowed}"
            problems.append(Problem("1.003", word, told))
    problems += (
        Problem("1.003", "UNEXPECTED_RECORD", f"CNT: {kind.tot} has no Type-{number} records")
        for number in sorted(counts)
    )
    positions = Counter(impression.position for impression in file.impressions)
    problems += (
        Problem("14.013", "DUPLICATE_FINGER", f"FGP: {count} images of position {int(position)}; one is allowed")
        for position, count in sorted(positions.items())
        if count > 1 and position is not FingerPosition.UNKNOWN
    )
    images = sum(record.type in (4, 14) for record in records)
    if images and not file.impressions:
        told = "FGP: no record holds a fingerprint that can be searched (positions 0 to 15, exemplar, 8 bits a pixel)"
        problems.append(Problem("14.013", "NO_USABLE_IMAGE", told))
    return problems


def _fields(
    kind: TransactionType, person: ItlRecord, *, utf_8: bool
) -> tuple[dict[str, list[list[str]]], list[Problem]]:
    """The Type-2 fields that a transaction provides for, by name; and what is wrong with them."""
    fields: dict[str, list[list[str]]] = {}
    problems: list[Problem] = []
    for name, rule in field_rules().items():
        if name not in kind.mandatory and name not in kind.optional:
            continue
        rows = _decoded(person.rows(rule.tag), utf_8=utf_8)
        if rows is None:
            problems.append(Problem(rule.label, "BAD_FORMAT", f"{name}: is not UTF-8, which 1.015 announces"))
        elif any(item.strip() for row in rows for item in row):
            fields[name] = rows
            problems += _form_problems(rule, rows)
        elif name in kind.mandatory:
            problems.append(
                Problem(rule.label, "MISSING_FIELD", f"{name}: is mandatory in {kind.tot}; {rule.form} wanted")
            )
    return fields, problems


def _decoded(rows: list[list[str]], *, utf_8: bool) -> list[list[str]] | None:
    """The items without blanks around them, in the file's character set; None where they are not of it."""
    if not utf_8:
        return [[item.strip() for item in row] for row in rows]
    try:
        return [[item.encode("latin-1").decode("utf-8").strip() for item in row] for row in rows]
    except UnicodeDecodeError:
        return None


def _form_problems(rule: FieldRule, rows: list[list[str]]) -> list[Problem]:
    values = [row[0] for row in rows]
    if rule.name == "CRI":
        form = "one to three ORIs of nine capital letters and digits"
        right, word = rule.fits(rows) and all(is_ori(value) for value in values), "ORI_FORMAT"
    elif rule.name == "RET":
        form, word = "Y or N", "BAD_FORMAT"
        right = rule.fits(rows) and values[0].upper() in {"Y", "N"}
    elif rule.name == "NDR":
        form, word = "one to four repositories, 1 to 15", "BAD_FORMAT"
        right = rule.fits(rows) and all(int(value) in _KNOWN_REPOSITORIES for value in values)
    elif rule.name == "ASL":
        form, word = "up to 40 times a date of offence CCYYMMDD and what it is in 1 to 300 characters", "BAD_FORMAT"
        right = rule.fits(rows) and all(
            len(row) == 2 and (not row[0] or read_date(row[0]) is not None) and 1 <= len(row[1]) <= 300 for row in rows
        )
    else:
        form, word = rule.form, "BAD_FORMAT"
        right = rule.fits(rows)
    return [] if right else [Problem(rule.label, word, f"{rule.name}: {form} wanted")]


def _submission(
    kind: TransactionType, header: ItlRecord, made: date, fields: Mapping[str, list[list[str]]], file: Transaction
) -> Submission:
    values = {name: tuple(row[0] for row in rows) for name, rows in fields.items()}

    def first(name: str) -> str | None:
        return values[name][0] if name in values else None

    return Submission(
        tot=kind.tot,
        date=made,
        priority=header.number(6) or DEFAULT_PRIORITY,
        destination=header.text(7),
        ori=header.text(8),
        tcn=header.text(9),
        tcr=header.text(10) or None,
        controlling_agencies=values.get("CRI", ()),
        retain=retains(kind, first("RET") or ""),
        attention=first("ATN"),
        offences=tuple(_offence(row) for row in fields.get("ASL", ())),
        repositories=tuple(int(value) for value in values.get("NDR", ())),
        send_copy_to=values.get("SCO", ()),
        claimed=ClaimedIdentity(
            name=first("NAM"),
            birth_date=read_date(first("DOB") or ""),
            sid=first("SID"),
            fbi_numbers=values.get("FBI", ()),
        ),
        demographics=MappingProxyType({name: tuple("; ".join(row) for row in rows) for name, rows in fields.items()}),
        custody=_custody(first("SLE")),
        file=file,
    )


def _offence(row: list[str]) -> Offence:
    code = _OFFENCE_CODE.match(row[1])
    return Offence(read_date(row[0]), row[1], code.group(1) if code else None)


def _custody(literal: str | None) -> bool | None:
    told = (literal or "").upper()
    if _NOT_HELD.search(told):
        return False
    held, at_large = bool(_HELD.search(told)), bool(_AT_LARGE.search(told))
    return None if held is at_large else held
