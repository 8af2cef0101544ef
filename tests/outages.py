"""What a PostgreSQL that runs may refuse, each as a context manager. `name` is of the database."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg2

from tests.services import Postgres

#: A role that may be kept from connecting: whoever may do everything, may always.
ROLE = "visitor"


def cut_all(postgres: Postgres, name: str) -> None:
    """End all connections to a database."""
    postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%s'" % name)


@contextmanager
def read_only(postgres: Postgres, name: str) -> Iterator[None]:
    """It can only be read, as after a failover that cut all connections. Those that are made meanwhile stay so."""
    postgres.execute("ALTER DATABASE %s SET default_transaction_read_only = on" % name)
    try:
        cut_all(postgres, name)
        yield
    finally:
        postgres.execute("ALTER DATABASE %s RESET default_transaction_read_only" % name)


@contextmanager
def locked(postgres: Postgres, name: str) -> Iterator[None]:
    """Somebody has locked the tables that all need; who waits for them is told so soon."""
    postgres.execute("ALTER DATABASE %s SET lock_timeout = '100ms'" % name)
    cut_all(postgres, name)
    other = psycopg2.connect(postgres.url(name))
    with other.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        cursor.execute("LOCK TABLE chatapp_room, chatapp_presence")
    try:
        yield
    finally:
        other.close()


@contextmanager
def exhausted(postgres: Postgres, name: str) -> Iterator[None]:
    """It has no connection left for ROLE."""
    postgres.execute("ALTER ROLE %s CONNECTION LIMIT 0" % ROLE)
    try:
        cut_all(postgres, name)
        yield
    finally:
        postgres.execute("ALTER ROLE %s CONNECTION LIMIT -1" % ROLE)


@contextmanager
def visited(postgres: Postgres, name: str) -> Iterator[str]:
    """The URL of a database for ROLE, who may do there what an application does."""
    postgres.execute("CREATE ROLE %s LOGIN" % ROLE)
    with psycopg2.connect(postgres.url(name)) as owner, owner.cursor() as cursor:
        for kind in ("TABLES", "SEQUENCES"):
            cursor.execute("GRANT ALL ON ALL %s IN SCHEMA public TO %s" % (kind, ROLE))
    owner.close()
    yield postgres.url(name).replace("postgres@", ROLE + "@")
    with psycopg2.connect(postgres.url(name)) as owner, owner.cursor() as cursor:
        cursor.execute("DROP OWNED BY %s" % ROLE)
    owner.close()
    postgres.execute("DROP ROLE %s" % ROLE)
