"""
Workers of the whole chat for tests that kill many: forked from a process that has loaded it, so that a new one is there
at once. Run as a program by `Forks`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.databases import ROOT
from tests.waiting import wait_until

#: Seconds after which a worker that is not heard of loses what it has.
LEASE = 2.0


class Forks:
    """Starts workers with the environment of a deployment; what is left of them at the end is killed."""

    def __init__(self, environment: dict[str, str], log: Path):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.forks"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=open(log, "wb"),  # noqa: SIM115  # the child's
            text=True,
            env={**environment, "DJANGO_SETTINGS_MODULE": "project.settings"},
        )
        self.pids: set[int] = set()

    def __enter__(self) -> "Forks":
        return self

    def __exit__(self, *exc_info: Any) -> None:
        for pid in list(self.pids):
            self.kill(pid)
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)

    def spawn(self, stands_still: bool = False, channels: str = "") -> int:
        """
        One more worker. `stands_still`: it stops itself (SIGSTOP), once, when a view has handled a POST: what it did
        is committed, and nobody knows of it. `channels`: an option of runworker that says which it reads.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([stands_still, channels.split()]) + "\n")
        self.process.stdin.flush()
        pid = int(self.process.stdout.readline())
        self.pids.add(pid)
        return pid

    def wait_until_still(self, pid: int) -> None:
        wait_until(lambda: state(pid) == "T", "worker %d stands still" % pid)

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        self.wait_until_gone(pid)

    def retire(self, pid: int) -> None:
        """Have one finish what it has begun, and go; also one that stood still."""
        os.kill(pid, signal.SIGCONT)
        os.kill(pid, signal.SIGTERM)
        self.wait_until_gone(pid)

    def wait_until_gone(self, pid: int) -> None:
        wait_until(lambda: not state(pid), "worker %d is gone" % pid, 30)
        self.pids.discard(pid)


def state(pid: int) -> str:
    """What proc(5) says that a process does; empty: it is gone."""
    try:
        return Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def stand_still(get_response: Any) -> Any:
    """Middleware, around all others, that stops its process when its first POST is handled and not yet answered."""
    stopped: list[Any] = []

    def middleware(request: Any) -> Any:
        response = get_response(request)
        if request.method == "POST" and not stopped:
            stopped.append(request)
            os.kill(os.getpid(), signal.SIGSTOP)
            # Any thread may get the signal; this one is to be no further when it does.
            time.sleep(0.1)
        return response

    return middleware


def main() -> None:
    import django

    import project  # noqa: F401  # its shims come before Django

    django.setup()
    # So that the children have it.
    for name in ("project.urls", "relay.layers.database", "relay.layers.redis", "relay.worker", "routing"):
        import_module(name)

    # Nobody waits for them: they are to leave nothing behind.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            work(*json.loads(line))
        print(pid, flush=True)


def work(stands_still: bool, options: list[str]) -> None:
    from django.conf import settings
    from django.core.management import call_command

    settings.CHANNEL_LAYERS["default"]["CONFIG"]["lease"] = LEASE
    if stands_still:
        settings.MIDDLEWARE = ["tests.forks.stand_still", *settings.MIDDLEWARE]
    with suppress(SystemExit):
        call_command("runworker", *options)
    from channels import channel_layers

    channel_layers["default"].channel_layer.close()
    os._exit(0)


if __name__ == "__main__":
    main()
