"""The clock of one process, which a test sets: libfaketime (apt-get install libfaketime)."""

import os
from pathlib import Path

import pytest

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))

needs_faketime = pytest.mark.skipif(
    not LIBRARIES and not os.environ.get("CI"), reason="no libfaketime on this machine (apt-get install libfaketime)"
)

#: libfaketime takes the monotonic moment at which Python's sleep ends for one of the clock that it sets.
SITECUSTOMIZE = """
import select, time

def sleep(seconds):
    select.select([], [], [], seconds)

time.sleep = sleep
"""


class Clock:
    """
    A clock that begins right, or so many seconds off. Processes that are started with its `environment` go by it;
    what only measures how long something takes does not.
    """

    def __init__(self, folder: Path, offset: float = 0):
        assert LIBRARIES, "in CI libfaketime must be there: .ci/run installs it"
        folder.mkdir()
        self.path = folder / "offset"
        (folder / "sitecustomize.py").write_text(SITECUSTOMIZE)
        self.environment = {
            "LD_PRELOAD": str(LIBRARIES[0]),
            "FAKETIME_TIMESTAMP_FILE": str(self.path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "PYTHONPATH": str(folder),
        }
        self.set(offset)

    def set(self, offset: float) -> None:
        """Be so many seconds ahead from now on."""
        new = self.path.with_suffix(".new")
        new.write_text("%+d\n" % offset)
        new.rename(self.path)
