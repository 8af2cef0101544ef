"""What the tests of notifications share."""

import pytest


@pytest.fixture
def database_url(sqlite_url):
    """What differs between the databases is tested elsewhere: test_presence, test_mentions, and with the processes."""
    return sqlite_url
