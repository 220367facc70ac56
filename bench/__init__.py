"""Measurements. Not installed: run from the repository root, `python -m bench.store --help`."""
