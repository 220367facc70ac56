"""The Type-2 fields of the transactions taken, and whether a value has the form its field demands."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from types import MappingProxyType
from typing import Final

from tenprint.workflow.ebts.tables import read_table

UNKNOWN_DATE: Final = "00000000"
"""How a date of birth that nobody knows is sent."""
_DATES: Final = frozenset({"DOB", "DPR", "DOA", "SSD"})
_CHARACTERS: Final = {"A": "letters", "N": "digits", "S": "other printable characters"}
_ORI: Final = re.compile(r"[A-Z0-9]{9}")
_TCN: Final = re.compile(r"[\x20-\x7e]{10,40}")


@dataclass(frozen=True, slots=True)
class FieldRule:
    """The form of a Type-2 field.

    Attributes:
        tag: its number in the record, 18 for 2.018.
        name: ``"NAM"``.
        characters: kinds of characters allowed: A letters, N digits, S other printable ones.
        least: characters of one occurrence, over all its items.
        most: characters of one occurrence, over all its items.
        occurrences: at most.
        items: information items of one occurrence, at most.
    """

    tag: int
    name: str
    characters: str
    least: int
    most: int
    occurrences: int
    items: int

    @property
    def label(self) -> str:
        """Its full tag, ``"2.018"``."""
        return f"2.{self.tag:03}"

    @property
    def form(self) -> str:
        """What is allowed, in words."""
        kinds = ", ".join(_CHARACTERS[kind] for kind in self.characters)
        size = str(self.least) if self.least == self.most else f"{self.least} to {self.most}"
        what = "a date CCYYMMDD" if self.name in _DATES else f"{size} characters ({kinds})"
        return what if self.occurrences == 1 else f"at most {self.occurrences} times {what}"

    def fits(self, rows: list[list[str]]) -> bool:
        """Whether a field's occurrences, each a list of items, have its form."""
        return len(rows) <= self.occurrences and all(self._fits_row(row) for row in rows)

    def _fits_row(self, row: list[str]) -> bool:
        text = "".join(row)
        if len(row) > self.items or not self.least <= len(text) <= self.most:
            return False
        if self.name in _DATES:
            return read_date(text) is not None or (self.name == "DOB" and text == UNKNOWN_DATE)
        return all(self._takes(character) for character in text)

    def _takes(self, character: str) -> bool:
        if character.isalpha():
            return "A" in self.characters
        if character in "0123456789":
            return "N" in self.characters
        return "S" in self.characters and character.isprintable()


@cache
def field_rules() -> Mapping[str, FieldRule]:
    """The fields, by name, in the order of their tags."""
    rules = (
        FieldRule(
            tag=int(row["tag"]),
            name=row["name"],
            characters=row["characters"],
            least=int(row["least"]),
            most=int(row["most"]),
            occurrences=int(row["occurrences"]),
            items=int(row["items"]),
        )
        for row in read_table("type2_fields.csv")
    )
    return MappingProxyType({rule.name: rule for rule in rules})


def read_date(text: str) -> date | None:
    """A date CCYYMMDD; None for anything else."""
    if not re.fullmatch(r"[0-9]{8}", text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d").date()  # noqa: DTZ007 - a date has no zone
    except ValueError:
        return None


def is_ori(text: str) -> bool:
    """Whether it has the form of an ORI: nine capital letters and digits.

    That the first two are a place code, and that somebody has it, is not checked here: the agencies of a deployment
    are a table of its own.
    """
    return _ORI.fullmatch(text) is not None


def is_tcn(text: str) -> bool:
    """Whether it has the form of a TCN or TCR: 10 to 40 printable ASCII characters."""
    return _TCN.fullmatch(text) is not None
