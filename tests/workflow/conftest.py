"""The databases of tests/store, for the workflow."""

from tests.store.conftest import postgresql, url

__all__ = ["postgresql", "url"]
