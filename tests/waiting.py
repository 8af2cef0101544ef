"""Waiting for things instead of sleeping."""

import os
import time
from collections.abc import Callable
from typing import Any

#: Every limit is multiplied by this: set it on a slow machine.
FACTOR = float(os.environ.get("TESTS_TIMEOUT_FACTOR", "1"))


def wait_until(condition: Callable[[], Any], what: str, seconds: float = 20) -> Any:
    """Return what `condition` gives as soon as it is true; fail, naming `what`, if it isn't in time."""
    deadline = time.monotonic() + seconds * FACTOR
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError("%s: not within %s s" % (what, seconds * FACTOR))
        time.sleep(0.02)
