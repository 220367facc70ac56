"""Fixtures that every test room shares."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real prints: ``TENPRINT_DATA``, else ``../shared/data`` beside the checkout; else skips."""
    root = Path(os.environ.get("TENPRINT_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not (root / "fvc" / "manifest.csv").is_file():
        pytest.skip(f"no real prints at {root}: set TENPRINT_DATA to the folder that holds fvc/ and interchange/")
    return root
