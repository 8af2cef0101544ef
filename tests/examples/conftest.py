"""One server with all examples for each layer: started when a test first needs it, used by all."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.examples.servers import Server

LAYERS = ["memory", "database", "redis"]


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Server]]:
    """A function that starts a server and does not wait for it. All are stopped when all tests are done."""
    started: list[Server] = []

    def start(**options: Any) -> Server:
        started.append(Server(tmp_path_factory.mktemp("example"), **options))
        return started[-1]

    yield start
    # Together: each takes its time.
    for server in started:
        server.terminate()
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def servers(redis_url: str, start_server: Callable[..., Server]) -> Callable[[str], Server]:
    """A function that gives the server of a layer. All three are started together, with the first: that takes less."""
    running: dict[str, Server] = {}

    def server(layer: str) -> Server:
        for name in LAYERS:
            if name not in running:
                running[name] = start_server(layer=name, redis_url=redis_url if name == "redis" else "")
        return running[layer].wait_until_ready()

    return server


@pytest.fixture(params=LAYERS)
def server(request: pytest.FixtureRequest, servers: Callable[[str], Server]) -> Server:
    """All examples, on each layer."""
    return servers(request.param)


@pytest.fixture
def memory_server(servers: Callable[[str], Server]) -> Server:
    """All examples, on the layer that is the quickest to start."""
    return servers("memory")
