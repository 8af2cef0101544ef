"""relay's channel layers, for tests that each of them must pass."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from relay.layers.inmemory import ChannelLayer
from relay.layers.redis import RedisChannelLayer

#: Every kind of layer that keeps relay's contract.
KINDS = ("memory", "redis", "three-redis")

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
        else:
            urls = request.getfixturevalue("redis_urls")[: 3 if kind == "three-redis" else 1]
            layer = request.getfixturevalue("make_redis_layer")(*urls, **(options or first_options))
        made.append(layer)
        return layer

    return make


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
