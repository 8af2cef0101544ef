"""Who sends: each thread by a name of its own, with numbered calls, so that a call that is tried again counts once."""

import os
import threading
from collections.abc import Callable


class Sender(threading.local):
    """The sender that this thread is. `patience`: seconds for which it tries to send; None: as its layer says."""

    pid = 0
    name = ""
    calls = 0
    patience: float | None = None

    def next_call(self, make_name: Callable[[], str]) -> tuple[str, int]:
        """Name and number of the next call. A forked child is another sender than its parent."""
        if self.pid != os.getpid():
            self.pid, self.name, self.calls = os.getpid(), make_name(), 0
        self.calls += 1
        return self.name, self.calls
