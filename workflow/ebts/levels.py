"""How serious the charges are: `offence_levels.csv`. Orders the human queue; moves no threshold."""

from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final

from tenprint.workflow.ebts.tables import read_table
from tenprint.workflow.types import Level

_CLASS: Final = 2
"""Digits of an NCIC code that name its class."""


def level_of(code: str | None) -> Level:
    """The level of one NCIC code; UNKNOWN where there is none, or the table lists neither it nor its class.

    Args:
        code: four digits; None for a charge in words alone.
    """
    levels = offence_levels()
    if code is None:
        return Level.UNKNOWN
    return levels.get(code, levels.get(code[:_CLASS], Level.UNKNOWN))


def most_serious(codes: Iterable[str | None]) -> tuple[str, Level]:
    """The most serious of several charges, and its level.

    A charge that nobody can place may be the most serious of all: beside one, only a charge of the first level stands.

    Args:
        codes: of every charge: four digits; None for a charge in words alone.

    Returns:
        The first of the charges of the lowest level, and that level; ``""`` and UNKNOWN without a charge, or where a
        charge cannot be placed and none is of the first level. Never the third level for want of knowledge.
    """
    placed = [(level_of(code), code or "") for code in codes]
    if not placed:
        return "", Level.UNKNOWN
    listed = [charge for charge in placed if charge[0] is not Level.UNKNOWN]
    level, code = min(listed, key=lambda charge: charge[0], default=(Level.UNKNOWN, ""))
    if level is not Level.ONE and len(listed) < len(placed):
        return "", Level.UNKNOWN
    return code, level


@cache
def offence_levels() -> Mapping[str, Level]:
    """The table: level by code of four digits, or by class of two."""
    named = {"1": Level.ONE, "2": Level.TWO, "3": Level.THREE, "unknown": Level.UNKNOWN}
    return MappingProxyType({row["code"]: named[row["level"]] for row in read_table("offence_levels.csv")})
