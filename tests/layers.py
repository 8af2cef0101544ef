"""relay's channel layers, for tests that each of them must pass."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from relay.layers.database import DatabaseChannelLayer
from relay.layers.inmemory import ChannelLayer
from relay.layers.redis import RedisChannelLayer
from tests.databases import ROOT, used

#: Every kind of layer that keeps relay's contract.
KINDS = ("memory", "sqlite", "postgresql", "redis", "three-redis")
#: Those that several processes can share.
SHARED = ("sqlite", "postgresql", "redis")

Make = Callable[..., Any]


@pytest.fixture
def make_redis_layer(redis_prefix: str) -> Iterator[Make]:
    """A function that makes a layer on this test's prefix, as another process would have it."""
    made: list[RedisChannelLayer] = []

    def make(*urls: str, **options: Any) -> RedisChannelLayer:
        made.append(RedisChannelLayer(**{"hosts": list(urls), "prefix": redis_prefix, "patience": 5, **options}))
        return made[-1]

    yield make
    for layer in made:
        layer.patience = 0
        layer.close()


@pytest.fixture
def make_database_layer(request: pytest.FixtureRequest) -> Iterator[Make]:
    """A function that makes a layer in the database of this URL, as another process would have it."""
    made: list[DatabaseChannelLayer] = []
    with ExitStack() as stack:

        def make(url: str, **options: Any) -> DatabaseChannelLayer:
            if not made:
                stack.enter_context(used(url))
            made.append(DatabaseChannelLayer(**{"patience": 5, **options}))
            return made[-1]

        yield make
        for layer in made:
            layer.patience = 0
            layer.close()


@pytest.fixture(params=KINDS)
def make_layer(request: pytest.FixtureRequest) -> Make:
    """`maker_of`, for each kind of layer."""
    return maker_of(request.param, request)


def maker_of(kind: str, request: pytest.FixtureRequest) -> Make:
    """
    A function that makes a layer of this kind. Called again without options, it gives another view of the same
    messages where several processes can share them, and the same layer where they can't.
    """
    made: list[Any] = []
    first_options: dict[str, Any] = {}

    def make(**options: Any) -> Any:
        if kind == "memory" and made and not options:
            return made[0]
        if not made:
            first_options.update(options)
        if kind == "memory":
            layer = ChannelLayer(**options)
        elif kind in ("sqlite", "postgresql"):
            url = request.getfixturevalue(kind + "_url")
            layer = request.getfixturevalue("make_database_layer")(url, **(options or first_options))
        else:
            urls = request.getfixturevalue("redis_urls")[: 3 if kind == "three-redis" else 1]
            layer = request.getfixturevalue("make_redis_layer")(*urls, **(options or first_options))
        made.append(layer)
        return layer

    return make


class Meeting:
    """Where processes meet: a kind of layer, as it is made here and in another process."""

    def __init__(self, kind: str, request: pytest.FixtureRequest):
        self.kind = kind
        self.maker = maker_of(kind, request)
        #: What another process needs: the layer's class and its options, and what its environment must say.
        self.backend = "relay.layers.database.DatabaseChannelLayer"
        self.options: dict[str, Any] = {}
        self.environment: dict[str, str] = {}
        if kind == "redis":
            self.backend = "relay.layers.redis.RedisChannelLayer"
            url, prefix = request.getfixturevalue("redis_url"), request.getfixturevalue("redis_prefix")
            self.options = {"hosts": [url], "prefix": prefix}
        elif kind == "memory":
            self.backend = "relay.layers.inmemory.ChannelLayer"
        else:
            self.environment["DATABASE_URL"] = request.getfixturevalue(kind + "_url")

    def make(self, **options: Any) -> Any:
        """A layer here; each is another process's view of the same messages."""
        return self.maker(**{"lease": 1, **options})

    def program(self, code: str, **options: Any) -> subprocess.Popen[str]:
        """Another process that runs this code with a `layer`; its output can be read."""
        settings = json.dumps([self.backend, {**self.options, **options}])
        command = [sys.executable, "-c", PRELUDE + code, settings]
        environment = {**os.environ, **self.environment}
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


PRELUDE = """
import json, sys
import project, django
django.setup()
from django.utils.module_loading import import_string
backend, options = json.loads(sys.argv[1])
layer = import_string(backend)(**options)
"""


@pytest.fixture(params=SHARED)
def meeting(request: pytest.FixtureRequest) -> Meeting:
    """A meeting place of each kind."""
    return Meeting(request.param, request)


def stop(pid: int, layer: Any) -> None:
    """Have a process stand still, but not where it keeps an SQLite file from all others: nobody could go on."""
    os.kill(pid, signal.SIGSTOP)
    while holds_all_up(layer):
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.02)
        os.kill(pid, signal.SIGSTOP)


def holds_all_up(layer: Any) -> bool:
    store = getattr(layer, "store", None)
    if store is None or store.connection.vendor != "sqlite":
        return False
    with closing(sqlite3.connect(store.connection.settings_dict["NAME"], timeout=0.5)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        return False


class Elsewhere:
    """A worker in another thread: what it is asked to do happens there, and it lives until it ends."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.answered = threading.Semaphore(0)
        self.call: Callable[[], Any] | None = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self) -> None:
        while True:
            self.asked.acquire()
            if self.call is None:
                return
            self.answer = self.call()
            self.answered.release()

    def __call__(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        self.call = lambda: function(*args, **kwargs)
        self.asked.release()
        assert self.answered.acquire(timeout=20)
        return self.answer

    def end(self) -> None:
        self.call = None
        self.asked.release()
        self.thread.join(20)
