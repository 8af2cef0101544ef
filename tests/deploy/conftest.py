"""Servers with the settings of the recipes."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deploy.servers import Postgres, Redis, start_recipe_redis


@pytest.fixture(scope="module")
def recipe_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Redis]]:
    """A function that starts a Redis with deploy/redis/redis.conf, in which these lines are changed."""
    made: list[Redis] = []

    def start(*changes: str) -> Redis:
        made.append(start_recipe_redis(tmp_path_factory.mktemp("redis") / "data", *changes))
        return made[-1]

    yield start
    for server in made:
        server.kill()


@pytest.fixture(scope="module")
def recipe_postgres() -> Iterator[Postgres]:
    # Not in a test's folder: as root, the server runs as another user, who can't go there.
    with tempfile.TemporaryDirectory(prefix="parley-pg-") as folder:
        server = Postgres(Path(folder) / "data")
        yield server
        server.stop()
