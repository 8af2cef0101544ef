"""A deployment of several interface servers and workers, any of which may be stopped, killed and replaced."""

import random
import signal
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.deployments import Deployment, procfile
from tests.ports import free_port
from tests.talkers import Company
from tests.waiting import FACTOR, wait_until

Process = subprocess.Popen[bytes]


class Fleet(Deployment):
    """Interface servers on ports of their own, or all on one, and workers."""

    #: Where interface servers listen, and what stands before a command of each kind: what runs it elsewhere.
    host = "127.0.0.1"
    web_prefix = worker_prefix = ""

    def __init__(self, *args: Any, **settings: Any):
        super().__init__(
            *args, **{"RELAY_KEEPALIVE_INTERVAL": 5, "RELAY_FRAME_RATE": 0, "ALLOWED_HOSTS": "*", **settings}
        )
        self.ports: dict[Process, int] = {}
        self.workers: list[Process] = []

    def start_fleet(self, webs: int = 2, workers: int = 2) -> "Fleet":
        for _ in range(workers):
            self.add_worker(wait=False)
        for _ in range(webs):
            self.add_web(wait=False)
        for process in self.ports:
            self.wait_for_web(process)
        for process in self.workers:
            self.wait_for_worker(process)
        return self

    # One more

    def add_web(self, wait: bool = True, port: int | None = None, options: str = "", **environment: Any) -> Process:
        port = port or free_port()
        command = self.web_prefix + procfile()["web"].removeprefix("exec ") + " " + options
        process = self.start(command, PORT=port, BIND=self.host, **environment)
        # What asks for one without saying which, asks the newest.
        self.ports[process] = self.port = port
        if wait:
            self.wait_for_web(process)
        return process

    def add_worker(self, wait: bool = True, command: str = "", **environment: Any) -> Process:
        command = command or self.worker_prefix + procfile()["worker"].removeprefix("exec ")
        process = self.start(command, **environment)
        self.workers.append(process)
        if wait:
            self.wait_for_worker(process)
        return process

    def wait_for_web(self, process: Process) -> None:
        def ready() -> bool:
            assert process.poll() is None, self.log(process)
            try:
                return self.get("/readyz", self.ports[process])[0] == 200
            except OSError:
                return False

        wait_until(ready, "an interface server is ready", 60)

    def wait_for_worker(self, process: Process) -> None:
        def listens() -> bool:
            assert process.poll() is None, self.log(process)
            return " listens on " in self.log(process)

        wait_until(listens, "a worker listens", 60)

    # One less

    def retire(self, process: Process) -> float:
        """Have one end in good order; returns how many seconds that took."""
        began = time.monotonic()
        self.ports.pop(process, None)
        process.send_signal(signal.SIGTERM)
        assert process.wait(40 * FACTOR) == 0, self.log(process)
        self.forget(process)
        return time.monotonic() - began

    def kill(self, process: Process) -> None:
        process.kill()
        process.wait()
        self.forget(process)

    def forget(self, process: Process) -> None:
        """It is gone, and that is all right."""
        self.ports.pop(process, None)
        self.processes.remove(process)
        if process in self.workers:
            self.workers.remove(process)

    # Clients

    def address(self) -> tuple[str, int]:
        """What a load balancer knows: some interface server that was not taken out."""
        return self.host, random.choice(list(self.ports.values()))

    def company(self, enter: Callable[[], None] = lambda: None) -> Company:
        return Company(self.address, enter)

    def all_run(self) -> bool:
        return all(process.poll() is None for process in self.processes)


@pytest.fixture
def fleet(deployment: Callable[..., Any]) -> Callable[..., Fleet]:
    """As `deployment`, for a fleet; `start_fleet` starts it."""
    return lambda **settings: deployment(Fleet, **settings)


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[..., None]:
    """
    A function that has a company fall silent and prints what it went through, for docs/guarantees.md; `pytest -s` shows
    it. `report(company, whole=seconds)`.
    """

    def print_line(company: Company, **seconds: float) -> None:
        company.fall_silent()
        words = ["%s after %.1f s" % (name, value) for name, value in seconds.items()]
        print("\n%s: %s" % (request.node.name, ", ".join([company.figures(), *words])))

    return print_line
