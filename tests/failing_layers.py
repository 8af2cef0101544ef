"""Layers whose calls to their servers fail as a test wants: before they took effect, after it, or by arriving late."""

import itertools
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import redis
from django.db import connections
from django.db.utils import OperationalError

from relay.exceptions import LayerUnavailable
from relay.layers.inmemory import ChannelLayer
from relay.layers.redis import RedisChannelLayer
from tests.layer_model import Actor
from tests.layers import maker_of

#: Deliveries that may fail, messages that may wait, and seconds that passing messages are kept.
LIMIT, CAPACITY, EXPIRY = 3, 12, 0.02
OPTIONS = {
    "ordering": {"rooms": "room", "passing": "room"},
    "channel_expiry": {"rooms": None, "plain": None, "passing": EXPIRY},
    "channel_capacity": {"rooms": CAPACITY, "passing": CAPACITY, "plain": CAPACITY},
    "capacity": 10_000,
    "expiry": 600,
    "lease": 600,
    "max_deliveries": LIMIT,
}
#: A thread that has ended.
DEAD = threading.Thread()


class Faults:
    """What becomes of the next calls to servers: `plan`, then all go well."""

    def __init__(self) -> None:
        self.plan: deque[str] = deque()
        self.happened = 0
        #: Calls that were given up and have not arrived.
        self.late: list[tuple[Callable[[], Any], Callable[[], None] | None]] = []
        #: What tells the model that such a call has arrived.
        self.arrival: Callable[[], None] | None = None

    def call(self, make: Callable[[], Any], error: Callable[[], Exception]) -> Any:
        """Make a call, or have it fail; `error` makes what is raised then."""
        outcome = self.plan.popleft() if self.plan else "ok"
        if outcome == "ok":
            return make()
        self.happened += 1
        if outcome == "after":
            make()
        elif outcome == "late":
            self.late.append((make, self.arrival))
        raise error()


class World:
    """A kind of layer, its processes, and how its calls are made to fail."""

    def __init__(self, kind: str, request: pytest.FixtureRequest):
        self.kind = kind
        self.request = request
        self.prefixes = itertools.count()

    def begin(self) -> None:
        """Start afresh."""
        self.faults = Faults()
        self.layers: list[Any] = []
        self.shared = ChannelLayer(**OPTIONS) if self.kind == "memory" else None
        self.make = maker_of(self.kind, self.request)
        self.prefix = "%s%d:" % (self.request.getfixturevalue("redis_prefix"), next(self.prefixes))

    def layer(self) -> Any:
        """Another process's view of the messages."""
        if self.kind == "memory":
            layer = self.shared
        elif "redis" in self.kind:
            urls = self.request.getfixturevalue("redis_urls")[: 3 if self.kind == "three-redis" else 1]
            layer = RedisChannelLayer(hosts=urls, prefix=self.prefix, patience=0, **OPTIONS)
            layer._start = lambda: None
            for shard in layer.shards:
                shard.client = self.failing_client(shard.client())
        else:
            layer = self.make(**OPTIONS)
            layer.patience = 0
            layer._start = lambda: None
            self.fail_store(layer.store)
        self.layers.append(layer)
        return layer

    def failing_client(self, client: Any) -> Callable[[], Any]:
        faults = self.faults
        real = client.execute_command

        def execute_command(*args: Any, **options: Any) -> Any:
            if args[0] not in ("EVALSHA", "EVAL"):
                return real(*args, **options)
            return faults.call(lambda: real(*args, **options), lambda: redis.ConnectionError("it fails"))

        client.execute_command = execute_command
        return lambda: client

    def fail_store(self, store: Any) -> None:
        faults = self.faults
        real = store.do

        def error() -> LayerUnavailable:
            store.failed(OperationalError("it fails"))
            return LayerUnavailable("it fails")

        store.do = lambda work, **options: faults.call(lambda: real(work, **options), error)

    def end_life(self, actors: Iterable[Actor]) -> None:
        """Have the server take these readers for dead."""
        names = [actor.reader.name for actor in actors if actor.reader is not None]
        layer = self.layers[0]
        if self.kind == "memory":
            for actor in actors:
                if actor.reader is not None:
                    actor.reader.thread = DEAD
        elif "redis" in self.kind:
            for index in range(layer.ring_size):
                client = redis.Redis.from_url(self.request.getfixturevalue("redis_urls")[index])
                for name in names:
                    client.execute_command("ZADD", layer.keys.shared[0], "XX", 1, layer.keys.held(name))
                client.connection_pool.disconnect()
        else:
            with connections["default"].cursor() as cursor:
                for name in names:
                    cursor.execute("UPDATE relay_life SET until = 1 WHERE kind = 'reader' AND name = %s", [name])

    def dump(self) -> Any:
        """What is left, for the eyes of whoever reads a failure."""
        if self.kind in ("sqlite", "postgresql"):
            with connections["default"].cursor() as cursor:
                rows = []
                for table in ("relay_lease", "relay_life", "relay_message", "relay_letter"):
                    cursor.execute("SELECT * FROM " + table)
                    rows += [(table, row) for row in cursor.fetchall()]
                return rows
        if "redis" in self.kind:
            client = redis.Redis.from_url(self.request.getfixturevalue("redis_urls")[0])
            return sorted(client.scan_iter(self.prefix + "*"))
        return vars(self.shared)

    def end(self) -> None:
        for layer in self.layers:
            if "redis" in self.kind:
                for shard in layer.shards:
                    shard.client().close()
        if self.kind in ("sqlite", "postgresql"):
            self.layers[0].flush()
            for layer in self.layers:
                layer.readers.clear()
                # The fixture keeps the layers until the test ends, and each reader holds a pipe open.
                layer.readers.local.reader = None
                layer.store.close()
            connections["default"].close()
