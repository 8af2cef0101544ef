"""
Whatever anybody may send, made up by hypothesis.

`TESTS_FUZZ=5000` tries that many of each, instead of the few that `make check` has time for. In CI always the same few
are tried, so that a change is refused for what it does, and not for what was thought of that day.
"""

import os

from hypothesis import HealthCheck, settings

EXAMPLES = int(os.environ.get("TESTS_FUZZ", "40"))
#: The one that takes less is tried always.
DATABASES = ["postgresql", "sqlite"] if "TESTS_FUZZ" in os.environ else ["postgresql"]

settings.register_profile(
    "parley",
    max_examples=EXAMPLES,
    # A busy machine is no failure.
    deadline=None,
    derandomize=bool(os.environ.get("CI")) and "TESTS_FUZZ" not in os.environ,
    # The examples of a test share its database and its layer, as clients do.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("parley")
