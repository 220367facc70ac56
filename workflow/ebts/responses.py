"""The files that answer a submission: Type-1 and Type-2 records, nothing else.

SRE, RPISR and ERRT are EBTS 9.1's. EBTS has no transaction for the immigration database's answer; ``IDR`` (IDENT Data
Response) is this project's layout, written down in docs/ebts.md.
"""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Final

import nistitl

from tenprint.workflow.ebts.errors import MAX_MESSAGE, MAX_PROBLEMS, ResponseError
from tenprint.workflow.ebts.type2_fields import field_rules, is_ori, is_tcn

NOT_PROVIDED: Final = "NOT PROVIDED"
"""NAM of an SRE to a submission without a name: the field is mandatory, and no other name is ever written."""
NOT_A_NO_MATCH: Final = "THIS IS NOT A NO MATCH"
"""In every answer that tells of a search not completed."""
_LINE: Final = 74
"""Characters of a line of ERS at most."""


@dataclass(frozen=True, slots=True)
class ResponseHeader:
    """What the Type-1 record of an answer holds.

    Attributes:
        tcn: number of this answer among its sender's, 10 to 40 printable characters.
        tcr: TCN of the submission that it answers.
        from_ori: who answers: DAI of the submission.
        to_ori: who is answered: ORI of the submission, or whom it is passed along to.
        priority: of the submission, 1 to 9.
        at: when it is written; a time with a zone.
    """

    tcn: str
    tcr: str
    from_ori: str
    to_ori: str
    priority: int
    at: datetime


class RapidFinding(StrEnum):
    """SRF of an RPISR."""

    RED = "R"
    """A person was identified."""
    YELLOW = "Y"
    """Possible, not confirmed."""
    GREEN = "G"
    """Nobody was identified in what was searched."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where an answer comes from.

    Attributes:
        source: the database that was searched, in words.
        as_of: the day its records stood so.
        complaints: where a mistake is reported.
    """

    source: str
    as_of: date
    complaints: str


@dataclass(frozen=True, slots=True)
class ImmigrationMatch:
    """The prints are those of a record. That is an identity and no status.

    Attributes:
        subject_reference: of the record.
        confirmed: whether an examiner said so; False: the score alone did.
        provenance: where it comes from.
    """

    subject_reference: str
    confirmed: bool
    provenance: Provenance


@dataclass(frozen=True, slots=True)
class ImmigrationNoMatch:
    """All that could be compared was compared, and nobody was identified."""

    provenance: Provenance


@dataclass(frozen=True, slots=True)
class ImmigrationError:
    """The search was not completed.

    Attributes:
        problem: why, not empty; safe to show.
        provenance: where it comes from.
    """

    problem: str
    provenance: Provenance


def search_results(
    header: ResponseHeader,
    *,
    subject_reference: str | None,
    confirmed: bool,
    name: str | None,
    controlling_agencies: Sequence[str],
    provenance: Provenance,
    attention: str | None = None,
) -> bytes:
    """An SRE: what the search of the criminal database found.

    Args:
        header: of the file.
        subject_reference: of the record of the same person (SRF I); None: nobody was identified (SRF N).
        confirmed: whether an examiner said so.
        name: the name that the submitter sent, and no other; None where it sent none.
        controlling_agencies: CRI of the submission.
        provenance: where it comes from.
        attention: ATN of the submission.

    Returns:
        The file. FBI (2.014) holds the reference where it has that field's form; ERS (2.075) says in words what was
        found, in lines of 74 characters.

    Raises:
        ResponseError: for a value that its field cannot carry.
    """
    lines = (
        ["NOBODY WAS IDENTIFIED IN THE RECORDS SEARCHED."]
        if subject_reference is None
        else [_identity(subject_reference), _strength(confirmed=confirmed)]
    )
    lines += _origin(provenance)
    fields: dict[str, Sequence[str]] = {
        "NAM": [name or NOT_PROVIDED],
        "SRF": ["N" if subject_reference is None else "I"],
        "CRI": controlling_agencies,
        "ERS": ["\r\n".join(line for text in lines for line in textwrap.wrap(text, _LINE))],
    }
    if subject_reference is not None and field_rules()["FBI"].fits([[subject_reference]]):
        fields["FBI"] = [subject_reference]
    return _written("SRE", header, fields | _attention(attention))


def rapid_results(
    header: ResponseHeader,
    *,
    finding: RapidFinding,
    attention: str,
    note: str,
    controlling_agencies: Sequence[str],
) -> bytes:
    """An RPISR: what the search of a few fingers found.

    Args:
        header: of the file.
        finding: red, yellow or green. A search not completed has none: answer :func:`search_failure`.
        attention: ATN of the submission.
        note: in words, 1 to 1000 characters.
        controlling_agencies: CRI of the submission.

    Raises:
        ResponseError: for a value that its field cannot carry.
    """
    fields = {"ATN": [attention], "SRF": [finding.value], "NOT": [note], "CRI": controlling_agencies}
    return _written("RPISR", header, fields)


def immigration_results(
    header: ResponseHeader,
    result: ImmigrationMatch | ImmigrationNoMatch | ImmigrationError,
    *,
    controlling_agencies: Sequence[str],
    attention: str | None = None,
) -> bytes:
    """An IDR: what the search of the immigration database found. SRF is M, N or E, and the first MSG says it in words.

    Raises:
        ResponseError: for a value that its field cannot carry.
    """
    if isinstance(result, ImmigrationMatch):
        finding = "M"
        lines = ["MATCH", _identity(result.subject_reference), _strength(confirmed=result.confirmed)]
    elif isinstance(result, ImmigrationNoMatch):
        finding = "N"
        lines = ["NO MATCH", "NOBODY WAS IDENTIFIED IN THE RECORDS SEARCHED; THIS SAYS NOTHING OF ANYBODY'S STATUS"]
    else:
        finding = "E"
        lines = [f"ERROR: THE SEARCH WAS NOT COMPLETED; {NOT_A_NO_MATCH}", _one_line(result.problem)]
    fields = {"SRF": [finding], "MSG": [*lines, *_origin(result.provenance)], "CRI": controlling_agencies}
    return _written("IDR", header, fields | _attention(attention))


def tenprint_error(
    header: ResponseHeader,
    messages: Sequence[str],
    *,
    controlling_agencies: Sequence[str] = (),
    attention: str | None = None,
) -> bytes:
    """An ERRT: the submission was not taken, or its search failed.

    Args:
        header: of the file.
        messages: 1 to 11, what comes after is left out; each becomes one line, cut to 300 characters.
        controlling_agencies: CRI of the submission, where it could be read.
        attention: ATN of the submission.

    Raises:
        ResponseError: for a value that its field cannot carry, or no message.
    """
    if not messages:
        raise ResponseError(f"2.060 MSG: no message; 1 to {MAX_PROBLEMS} are wanted")
    told = [_one_line(message) for message in messages[:MAX_PROBLEMS]]
    fields: dict[str, Sequence[str]] = {"MSG": told}
    if controlling_agencies:
        fields["CRI"] = controlling_agencies
    return _written("ERRT", header, fields | _attention(attention))


def search_failure(
    header: ResponseHeader,
    *,
    searched: str,
    problem: str,
    controlling_agencies: Sequence[str],
    attention: str | None = None,
) -> bytes:
    """An ERRT for a search that failed, or covered only a part: its first message says that it is not a no match.

    Args:
        header: of the file.
        searched: the database, in words.
        problem: why, safe to show.
        controlling_agencies: CRI of the submission.
        attention: ATN of the submission.

    Raises:
        ResponseError: for a value that its field cannot carry.
    """
    messages = [f"SEARCH OF {searched.upper()} NOT COMPLETED; {NOT_A_NO_MATCH}", problem]
    return tenprint_error(header, messages, controlling_agencies=controlling_agencies, attention=attention)


def _one_line(message: str) -> str:
    return " ".join(message.split())[:MAX_MESSAGE]


def _identity(reference: str) -> str:
    return f"SAME PERSON AS RECORD {reference}; IDENTITY ONLY, NOT A STATUS; VERIFY BEFORE ACTION"


def _strength(*, confirmed: bool) -> str:
    return "CONFIRMED BY AN EXAMINER" if confirmed else "BY SCORE ALONE; NOT CONFIRMED BY AN EXAMINER"


def _origin(provenance: Provenance) -> list[str]:
    return [
        f"SOURCE {provenance.source} AS OF {provenance.as_of:%Y%m%d}",
        f"REPORT A MISTAKE TO {provenance.complaints}",
    ]


def _attention(attention: str | None) -> dict[str, Sequence[str]]:
    return {} if attention is None else {"ATN": [attention]}


def _written(tot: str, header: ResponseHeader, fields: Mapping[str, Sequence[str]]) -> bytes:
    _check_header(header)
    plain = all(value.isascii() for values in fields.values() for value in values)
    message = nistitl.Message()
    first = message[0]
    at = header.at.astimezone(UTC)
    first.TOT, first.DAT, first.PRY = tot, at.strftime("%Y%m%d"), str(header.priority)
    first.DAI, first.ORI, first.TCN, first.TCR = header.to_ori, header.from_ori, header.tcn, header.tcr
    first.GMT = at.strftime("%Y%m%d%H%M%SZ")
    if not plain:
        first.DCS = [["003", "UTF-8"]]
    record = nistitl.AsciiRecord(2)
    rules = field_rules()
    for name in sorted(fields, key=lambda name: rules[name].tag):
        _check(name, fields[name])
        encoded = [value.encode().decode("latin-1") for value in fields[name]]  # the library writes Latin-1
        record += nistitl.Field(2, rules[name].tag, encoded[0] if len(encoded) == 1 else encoded, alias=name)
    message += record
    return bytes(message.NIST)


def _check_header(header: ResponseHeader) -> None:
    for tag, ori in (("1.007 DAI", header.to_ori), ("1.008 ORI", header.from_ori)):
        if not is_ori(ori):
            raise ResponseError(f"{tag}: nine capital letters and digits are wanted")
    for tag, number in (("1.009 TCN", header.tcn), ("1.010 TCR", header.tcr)):
        if not is_tcn(number):
            raise ResponseError(f"{tag}: 10 to 40 printable characters are wanted")
    if header.priority not in range(1, 10):
        raise ResponseError("1.006 PRY: 1 to 9 is wanted")
    if header.at.tzinfo is None:
        raise ResponseError("1.014 GMT: a time with a zone is wanted")


def _check(name: str, values: Sequence[str]) -> None:
    rule = field_rules()[name]
    # Of what is not printable, the ends of lines of a rap sheet alone are allowed; the separators least of all.
    rows = [[value.replace("\r\n", "") if name == "ERS" else value] for value in values]
    oris = name != "CRI" or all(is_ori(value) for value in values)
    if not values or not oris or not rule.fits(rows):
        raise ResponseError(f"{rule.label} {name}: {rule.form} wanted")
