"""The file that tells a launcher where a server listens."""

import os
from pathlib import Path


def write_atomically(path: Path, text: str) -> None:
    """Write a file so that readers see all of it or none."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
