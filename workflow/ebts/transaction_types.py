"""Which transactions are taken, and what each must hold: `transaction_types.csv`, `other_types.csv`."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from tenprint.workflow.ebts.tables import read_table

_RETENTION: Final = "RET"


@dataclass(frozen=True, slots=True)
class RecordRule:
    """How many records of some types a transaction may hold.

    Attributes:
        types: counted together: Types 4 and 14, or 7 and 13, are two encodings of one thing.
        least: records.
        most: records.
    """

    types: tuple[int, ...]
    least: int
    most: int

    @property
    def label(self) -> str:
        """The types in words, for people: ``"Type-4 or Type-14"``."""
        return " or ".join(f"Type-{number}" for number in self.types)


@dataclass(frozen=True, slots=True)
class TransactionType:
    """A transaction that is taken.

    Attributes:
        tot: field 1.004, ``"CAR"``.
        meaning: what it is for, in words.
        answer_expected: False for CNA alone: its submitter says that none is necessary.
        response: TOT of the answer to its search, ``"SRE"``.
        records: what records it may hold; others it may not.
        mandatory: names of its mandatory Type-2 fields, ``"NAM"``, besides LEN and IDC.
        optional: names of those it may have.
        note: where these rules differ from the transcription of EBTS 9.1, and why; mostly empty.
    """

    tot: str
    meaning: str
    answer_expected: bool
    response: str
    records: tuple[RecordRule, ...]
    mandatory: tuple[str, ...]
    optional: frozenset[str]
    note: str

    @property
    def may_be_kept(self) -> bool:
        """Whether its submitter can ask that prints be kept: it has the field RET. RPIS, TPIS and TPRS have not."""
        return _RETENTION in self.mandatory


@cache
def transaction_types() -> Mapping[str, TransactionType]:
    """The transactions that are taken, by TOT."""
    return MappingProxyType({row["tot"]: _type(row) for row in read_table("transaction_types.csv")})


@cache
def types_not_taken() -> Mapping[str, str]:
    """Why each other transaction of EBTS 9.1 is not taken, by TOT: a clause for people."""
    return MappingProxyType({row["tot"]: row["why"] for row in read_table("other_types.csv")})


def _type(row: Mapping[str, str]) -> TransactionType:
    return TransactionType(
        tot=row["tot"],
        meaning=row["meaning"],
        answer_expected=row["answer"] == "yes",
        response=row["response"],
        records=tuple(_rule(cell) for cell in row["records"].split()),
        mandatory=tuple(row["mandatory"].split()),
        optional=frozenset(row["optional"].split()),
        note=row["note"],
    )


def _rule(cell: str) -> RecordRule:
    """``"4/14:1-14"``."""
    types, _, counts = cell.partition(":")
    least, _, most = counts.partition("-")
    return RecordRule(tuple(int(number) for number in types.split("/")), int(least), int(most))
