"""Both databases, as for the store's own tests."""

from tests.store.conftest import postgresql, url  # noqa: F401 - fixtures
