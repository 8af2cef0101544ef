"""Several interface servers and workers behind a front, as the recipes start them."""

import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.deploy.fronts import Front
from tests.deploy.recipes import unit_command, unit_environment
from tests.deployments import ChatSocket, Deployment
from tests.ports import free_port
from tests.waiting import FACTOR, wait_until

WEB, WORKER = "parley-web@.service", "parley-worker@.service"


class Stack(Deployment):
    """
    The commands of the systemd units as plain processes: `webs` interface servers and `workers`, and a front before
    them, through which `socket` and `origin` lead.
    """

    front: Front | None = None

    def __init__(self, folder: Path, database_url: str, redis_url: str, prefix: str, **settings: Any):
        super().__init__(folder, database_url, redis_url, prefix, **settings)
        self.environment.update(unit_environment(WEB))
        self.servers: dict[int, subprocess.Popen[bytes]] = {}

    def start_units(self, webs: int = 2, workers: int = 3) -> "Stack":
        self.workers = [self.start(unit_command(WORKER, str(n))) for n in range(1, workers + 1)]
        for _ in range(webs):
            self.start_web(free_port())
        self.wait_until_all_answer()
        return self

    def start_web(self, port: int) -> None:
        self.servers[port] = self.start(unit_command(WEB, str(port)))

    def wait_until_all_answer(self) -> None:
        for port in self.servers:
            # Asked at the interface server itself: the front does not tell everybody what is ready.
            self.port = port
            self.wait_until_ready()

    def behind(self, kind: type[Front]) -> "Stack":
        self.front = kind(self.folder / "front", list(self.servers))
        return self

    @property
    def origin(self) -> str:
        return "https://localhost:%d" % self.front.port if self.front else super().origin

    def socket(self, path: str = "/chat/lobby/", **options: Any) -> ChatSocket:
        if self.front is None:
            return super().socket(path, **options)
        return ChatSocket(
            "wss://localhost:%d%s" % (self.front.port, path), ssl=self.front.trust_for_threads(), **options
        )

    def signal_web(self, number: int) -> None:
        """All of them at once: with one left, nobody would notice."""
        for process in self.servers.values():
            process.send_signal(number)

    def web_ended(self) -> int:
        self.processes = [process for process in self.processes if process not in self.servers.values()]
        return max(process.wait(30 * FACTOR) for process in self.servers.values())

    def replace_web(self) -> subprocess.Popen[bytes]:
        for port in self.servers:
            self.start_web(port)
        self.wait_until_all_answer()
        return self.servers[self.port]

    def restart_web(self, port: int) -> None:
        """One of them, as `systemctl restart parley-web@<port>` does it."""
        process = self.servers[port]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30 * FACTOR) == 0, self.logs()
        self.processes.remove(process)
        self.start_web(port)
        self.port = port
        self.wait_until_ready()

    def restart_worker(self, place: int) -> None:
        process = self.workers[place]
        process.send_signal(signal.SIGTERM)
        assert process.wait(30 * FACTOR) == 0, self.logs()
        self.processes.remove(process)
        self.workers[place] = self.start(unit_command(WORKER, str(place + 1)))

    def stop(self) -> None:
        if self.front:
            self.front.stop()
        super().stop()


def wait_for_line(front: Front, text: str) -> None:
    wait_until(lambda: text in front.logs(), "%s is in its log" % text)
