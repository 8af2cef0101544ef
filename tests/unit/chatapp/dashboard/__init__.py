"""The dashboards, within the test's process."""

import pytest

#: For tests of what the two databases may do differently.
ON_BOTH = pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
