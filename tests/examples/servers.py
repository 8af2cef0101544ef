"""The examples as `manage.py example` starts them, and tabs that talk to them."""

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import psutil
import requests
from django.core.management import call_command
from django.test import override_settings
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.databases import ROOT
from tests.deployments import PATIENCE
from tests.ports import free_port
from tests.waiting import FACTOR, wait_until

#: Held while the command looks at what this process, or its stand-in, says.
LOCK = threading.Lock()


def command_line(arguments: list[str], environment: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """
    What `manage.py example <arguments>` becomes, and its environment.

    The command starts itself anew with other settings. Its first half runs here: to start a process for it would take
    as long as the rest.
    """
    with (
        LOCK,
        mock.patch.object(os, "execve") as execve,
        mock.patch.dict(os.environ, environment),
        override_settings(REDIS_URL=environment["REDIS_URL"]),
    ):
        call_command("example", *arguments)
    _, command, complete = execve.call_args.args
    return command, complete


class Server:
    """
    `manage.py example <name>`, on a port, a database and a Redis prefix of its own.

    whole: as a process from its beginning, just as somebody would start it.
    """

    def __init__(
        self,
        folder: Path,
        name: str = "all",
        layer: str = "memory",
        redis_url: str = "",
        whole: bool = False,
        **settings: Any,
    ):
        self.name = name
        self.layer = layer
        self.folder = folder
        self.port = free_port()
        self.ready = False
        #: What must be gone in the end.
        self.left: list[psutil.Process] = []
        self.environment = {
            "REDIS_URL": redis_url,
            "CHANNEL_PREFIX": "test-%s:" % uuid.uuid4().hex,
            "PYTHONUNBUFFERED": "1",
            **{setting: str(value) for setting, value in settings.items()},
        }
        arguments = self.arguments("--port", str(self.port))
        if whole:
            command = [sys.executable, "manage.py", "example", *arguments]
            environment = {**os.environ, **self.environment}
        else:
            command, environment = command_line(arguments, self.environment)
        with open(folder / "server.log", "wb") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)

    def arguments(self, *arguments: str) -> list[str]:
        return [self.name, *arguments, "--layer", self.layer, "--folder", str(self.folder)]

    def wait_until_ready(self) -> "Server":
        """Wait until it answers, unless it has been seen to."""

        def ready() -> bool:
            assert self.process.poll() is None, self.log()
            try:
                return self.get("/").status_code == 200
            except requests.ConnectionError:
                return False

        if not self.ready:
            self.ready = wait_until(ready, "the example answers", 60)
        return self

    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    def url(self, path: str) -> str:
        return "http://127.0.0.1:%d%s" % (self.port, path)

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url(path), timeout=PATIENCE * FACTOR)

    def tab(self, path: str, **options: Any) -> "Tab":
        """A socket at this path. Use it in a `with`."""
        return Tab("ws://127.0.0.1:%d%s" % (self.port, path), **options)

    def manage(self, *arguments: str) -> str:
        """Run a management command with the example's settings; returns what it prints."""
        command, environment = command_line(self.arguments(*arguments), self.environment)
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def family(self) -> list[psutil.Process]:
        """The process that was started, and those that it started."""
        first = psutil.Process(self.process.pid)
        return [first, *first.children(recursive=True)]

    def terminate(self) -> None:
        """Tell it to stop, as a process manager would."""
        self.left = self.family()
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Wait until it and all that it started have stopped; whatever would not is killed, and that is an error."""
        if not self.left and self.process.poll() is None:
            self.terminate()
        try:
            self.process.wait(20 * FACTOR)
        finally:
            _, left = psutil.wait_procs(self.left, timeout=1)
            for process in left:
                process.kill()
        assert not left, "%s did not stop:\n%s" % (left, self.log())


class Tab:
    """A browser's tab, as far as its WebSocket goes."""

    def __init__(self, url: str, **options: Any):
        self.connection = connect(url, max_size=None, open_timeout=PATIENCE * FACTOR, **options)
        self.seen: list[str] = []

    def __enter__(self) -> "Tab":
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.connection.close()

    def say(self, text: str | bytes) -> None:
        self.connection.send(text)

    def hear(self, what: str | Callable[[str], Any]) -> str:
        """The next frame that is this text, or for which this function is true; all that come are in `seen`."""
        deadline = time.monotonic() + PATIENCE * FACTOR
        while True:
            try:
                frame = self.connection.recv(timeout=max(0.01, deadline - time.monotonic()))
            except TimeoutError:
                raise AssertionError("%s did not come, only %s" % (what, self.seen)) from None
            self.seen.append(frame)
            if what(frame) if callable(what) else frame == what:
                return frame

    def next(self) -> str:
        """The next frame."""
        return self.hear(lambda text: True)

    def until_closed(self) -> int:
        """The close code; what came before it is in `seen`."""
        try:
            while True:
                self.seen.append(self.connection.recv(timeout=PATIENCE * FACTOR))
        except ConnectionClosed as e:
            # 1006, as a browser says: the connection broke without a close frame.
            return e.rcvd.code if e.rcvd else 1006


def new_name(beginning: str = "n") -> str:
    """A room, or a user, of one test's own."""
    return beginning + uuid.uuid4().hex[:12]
