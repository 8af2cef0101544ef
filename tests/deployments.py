"""The chat as it is deployed: real processes, as the Procfile names them, and real sockets."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from relay.layers.database import DatabaseChannelLayer
from relay.layers.redis import RedisChannelLayer
from tests.databases import ROOT
from tests.ports import free_port
from tests.secrets import keep_text
from tests.waiting import FACTOR, wait_until

#: Seconds that a frame may take.
PATIENCE = 20


def procfile() -> dict[str, str]:
    """The Procfile's commands by the names of their processes."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines if line)


class Deployment:
    """One interface server and some workers, on a port, a database and a Redis prefix of their own."""

    host = "127.0.0.1"

    def __init__(self, folder: Path, database_url: str, redis_url: str, prefix: str, **settings: Any):
        self.folder = folder
        self.port = free_port()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.log_paths: dict[subprocess.Popen[bytes], Path] = {}
        self.environment = {
            **os.environ,
            "PATH": "%s:%s" % (Path(sys.executable).parent, os.environ["PATH"]),
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "CHANNEL_PREFIX": prefix,
            "PORT": str(self.port),
            "BIND": "127.0.0.1",
            "PYTHONUNBUFFERED": "1",
            "CHAT_SWEEPER": "1",
            "CHAT_RATE_LIMIT": "0",
            **{name: str(value) for name, value in settings.items()},
        }

    def start(self, command: str, **environment: Any) -> subprocess.Popen[bytes]:
        """Start a shell command in the checkout; its output goes to a file in this test's folder."""
        path = self.folder / ("%d.log" % len(list(self.folder.glob("*.log"))))
        with open(path, "wb") as log:
            process = subprocess.Popen(
                "exec " + command.removeprefix("exec "),
                shell=True,
                cwd=ROOT,
                env={**self.environment, **{name: str(value) for name, value in environment.items()}},
                stdout=log,
                stderr=log,
            )
        self.processes.append(process)
        self.log_paths[process] = path
        return process

    def start_all(self, web: str | None = None, worker: str | None = None, workers: int = 2) -> "Deployment":
        """Start an interface server and workers, the Procfile's unless others are named, and wait until they answer."""
        self.web = self.start(web or procfile()["web"])
        self.workers = [self.start(worker or procfile()["worker"]) for _ in range(workers)]
        self.wait_until_ready()
        return self

    @property
    def origin(self) -> str:
        """Where browsers find it."""
        return "http://127.0.0.1:%d" % self.port

    def signal_web(self, number: int) -> None:
        """Send the interface server a signal that ends it."""
        self.web.send_signal(number)

    def web_ended(self) -> int:
        """What the interface server exited with, once it has."""
        self.processes.remove(self.web)
        return self.web.wait(30 * FACTOR)

    def replace_web(self) -> subprocess.Popen[bytes]:
        """Start another interface server in the place of one that was killed, and wait until it answers."""
        if self.web in self.processes:
            self.processes.remove(self.web)
        self.web = self.start(procfile()["web"])
        self.wait_until_ready()
        return self.web

    def wait_until_ready(self) -> None:
        def ready() -> bool:
            assert all(process.poll() is None for process in self.processes), self.logs()
            try:
                return self.get("/readyz")[0] == 200
            except OSError:
                return False

        wait_until(ready, "the deployment answers", 40)

    def logs(self) -> str:
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def log(self, process: subprocess.Popen[bytes]) -> str:
        return self.log_paths[process].read_text()

    def get(self, path: str, port: int | None = None, **headers: str) -> tuple[int, str]:
        """Status and body of a page; with `port`, of another server of this machine."""
        request = urllib.request.Request("http://%s:%d%s" % (self.host, port or self.port, path), headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE * FACTOR) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def socket(self, path: str = "/chat/lobby/", **options: Any) -> "ChatSocket":
        return ChatSocket("ws://127.0.0.1:%d%s" % (self.port, path), **options)

    def members(self, room: str) -> list[str]:
        """The reply channels in a room's group, as a worker sees them. Without Redis: of the test's database."""
        layer: Any = DatabaseChannelLayer()
        if self.environment["REDIS_URL"]:
            hosts, prefix = [self.environment["REDIS_URL"]], self.environment["CHANNEL_PREFIX"]
            layer = RedisChannelLayer(hosts=hosts, prefix=prefix)
        return layer.group_channels("chat-" + room)

    def manage(self, *arguments: str) -> str:
        """Run a management command as a user would; returns what it prints."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def stop(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 10
        for process in self.processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


class ChatSocket:
    """A real WebSocket that speaks the chat's frames. Use it in a `with`."""

    def __init__(self, url: str, **options: Any):
        # It may leave unread what comes, however long.
        patient = {"ping_interval": None, "max_queue": None, "max_size": None, "open_timeout": PATIENCE * FACTOR}
        self.connection = connect(url, **{**patient, **options})
        self.seen: list[dict[str, Any]] = []

    def __enter__(self) -> "ChatSocket":
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.connection.close()

    def send(self, frame: str | bytes | dict[str, Any]) -> None:
        keep_text(frame)
        self.connection.send(json.dumps(frame) if isinstance(frame, dict) else frame)

    def next(
        self, kind: str, where: Callable[[dict[str, Any]], bool] = lambda frame: True, patience: float = PATIENCE
    ) -> dict[str, Any]:
        """The next frame of that type (and for which `where` holds); those before it are in `seen`."""
        deadline = time.monotonic() + patience * FACTOR
        while True:
            try:
                frame = json.loads(self.connection.recv(timeout=max(0.01, deadline - time.monotonic())))
            except TimeoutError:
                raise AssertionError("no %s frame came, only %s" % (kind, self.seen)) from None
            self.seen.append(frame)
            if frame["type"] == kind and where(frame):
                return frame

    def until_closed(self) -> int:
        """Read on until the socket is closed; returns the close code."""
        try:
            while True:
                self.seen.append(json.loads(self.connection.recv(timeout=PATIENCE * FACTOR)))
        except ConnectionClosed as e:
            assert e.rcvd is not None, "the connection broke without a close frame"
            return e.rcvd.code


@pytest.fixture
def layer_kind(request: pytest.FixtureRequest) -> str:
    """What a deployment's processes meet in: redis, or database if a test asks for that, too."""
    return getattr(request, "param", "redis")


@pytest.fixture
def deployment(
    request: pytest.FixtureRequest, tmp_path: Path, database_url: str, layer_kind: str, redis_prefix: str
) -> Iterator[Callable[..., Deployment]]:
    """A function that makes a deployment with the given settings; `start_all` starts it. Stopped after the test."""
    made: list[Deployment] = []
    redis_url = request.getfixturevalue("redis_url") if layer_kind == "redis" else ""

    def make(kind: type[Deployment] = Deployment, **settings: Any) -> Deployment:
        made.append(kind(tmp_path, database_url, redis_url, redis_prefix, **settings))
        return made[-1]

    yield make
    for one in made:
        one.stop()
