"""A worker in threads of the test's process, on any layer, with consumers that the test makes."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from channels.asgi import ChannelLayerWrapper
from channels.routing import route

from relay.worker import Worker
from tests.layers import Make, maker_of
from tests.waiting import wait_until


class Office:
    """Routes, a layer, and workers that the test starts. `hire` may be called again, for others on the same layer."""

    def __init__(self, make_layer: Make, **options: Any):
        self.make_layer = make_layer
        self.layer = make_layer(**{"expiry": 60, "capacity": 1000, "ordering": {"lanes": "lane"}, **options})
        self.routes: list[Any] = []
        self.hired: list[tuple[Worker, threading.Thread]] = []

    def on(self, channel: str, consumer: Callable[..., Any], **filters: str) -> None:
        self.routes.append(route(channel, consumer, **filters))

    def hire(self, **options: Any) -> Worker:
        wrapper = ChannelLayerWrapper(self.make_layer(), "default", list(self.routes))
        worker = Worker(wrapper, signal_handlers=False, **{"stop_timeout": 10, **options})
        worker.finished = None

        def run() -> None:
            worker.finished = worker.run()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        self.hired.append((worker, thread))
        return worker

    def fire(self, worker: Worker) -> None:
        """Stop one, and wait until it has gone."""
        thread = next(thread for one, thread in self.hired if one is worker)
        worker.stop()
        thread.join(20)
        assert not thread.is_alive()

    def send(self, channel: str, **content: Any) -> None:
        self.layer.send(channel, content)

    def row(self, channel: str) -> Any:
        return next(row for row in self.layer.status() if row.channel == channel)

    def wait_until_empty(self, channel: str, seconds: float = 20) -> None:
        def empty() -> bool:
            row = self.row(channel)
            return row.depth == row.in_flight == 0

        wait_until(empty, "%s is empty" % channel, seconds)

    def close(self) -> None:
        for worker, _ in self.hired:
            worker.stop_timeout = 0.5
            worker.stop()
        for _, thread in self.hired:
            thread.join(20)


#: One of each way of waiting; what the other layers do differently is not the worker's.
KINDS = ("memory", "sqlite", "redis")


@pytest.fixture(params=KINDS)
def open_office(request: pytest.FixtureRequest) -> Iterator[Callable[..., Office]]:
    """A function that makes an Office on each of some kinds of layer; its options are the layer's."""
    make_layer = maker_of(request.param, request)
    for name in ("make_redis_layer", "make_database_layer"):
        # So that layers are closed after the workers.
        request.getfixturevalue(name)
    made: list[Office] = []

    def open_one(**options: Any) -> Office:
        made.append(Office(make_layer, **options))
        return made[-1]

    yield open_one
    for office in made:
        office.close()


@pytest.fixture
def office(open_office: Callable[..., Office]) -> Office:
    return open_office()
