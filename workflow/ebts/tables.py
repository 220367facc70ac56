"""The tables that lie beside the code as CSV."""

import csv
from importlib import resources


def read_table(name: str) -> list[dict[str, str]]:
    """The rows of a table of this package, by the names in its first line; lines that begin with ``#`` are remarks.

    Args:
        name: of the file, ``"transaction_types.csv"``.
    """
    text = (resources.files(__package__) / name).read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))
