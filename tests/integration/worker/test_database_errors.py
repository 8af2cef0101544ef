"""Errors as PostgreSQL and SQLite raise them, and whose fault they are (P2, P6)."""

import threading
import time
import uuid

import psycopg2
import pytest
from django.db import DatabaseError, InterfaceError, connection, transaction

from chatapp.models import Room
from relay import databases
from relay.databases import AWAY, BUSY, LOST, excuse, trouble_of
from relay.exceptions import LayerUnavailable
from relay.layers.database.layer import make_store
from tests.databases import used

only_postgres = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def other(database, postgres):
    """Another connection to the same PostgreSQL database."""
    second = psycopg2.connect(postgres.url(connection.settings_dict["NAME"]))
    yield second
    second.close()


def execute(statement, params=None, on=connection):
    with on.cursor() as cursor:
        cursor.execute(statement, params)


def error_of(act, *args):
    """What this raises, as a consumer would meet it."""
    databases.refresh()
    with pytest.raises(DatabaseError) as raised:
        act(*args)
    return raised.value


def make_room():
    Room.objects.create(slug=uuid.uuid4().hex)


# PostgreSQL


@only_postgres
def test_a_server_that_is_read_only_is_away_until_a_new_connection_can_write(database, postgres):
    """P2: 25006. The connection that was made meanwhile can never write."""
    name = connection.settings_dict["NAME"]
    postgres.execute("ALTER DATABASE %s SET default_transaction_read_only = on" % name)
    connection.close()
    error = error_of(make_room)
    assert databases.code_of(error) == "25006"
    assert trouble_of(error) is AWAY
    postgres.execute("ALTER DATABASE %s RESET default_transaction_read_only" % name)
    assert trouble_of(error_of(make_room)) is AWAY, "on the old connection"
    assert excuse(error) is AWAY
    make_room()


@only_postgres
def test_a_server_without_free_connections_is_away(database, postgres):
    """P6: while connecting there is no SQLSTATE."""
    role = "limited_" + uuid.uuid4().hex
    postgres.execute("CREATE ROLE %s LOGIN CONNECTION LIMIT 0" % role)
    with used(database.replace("postgres@", role + "@")):
        error = error_of(make_room)
        assert "too many connections" in str(error)
        assert databases.code_of(error) is None
        assert trouble_of(error) is AWAY
    postgres.execute("DROP ROLE %s" % role)


def test_a_server_that_is_not_there_is_away(tmp_path):
    with used("postgres://postgres@/nothing?host=%s" % tmp_path):
        assert trouble_of(error_of(make_room)) is AWAY


@only_postgres
def test_a_table_that_stays_locked_is_busy(database, other):
    """P6: 55P03."""
    execute("LOCK TABLE chatapp_room", on=other)
    execute("SET lock_timeout = '20ms'")
    assert trouble_of(error_of(make_room)) is BUSY
    other.rollback()
    make_room()


@only_postgres
def test_a_statement_that_takes_too_long_is_busy(database):
    """57014: it may be others who hold it up, or the statement itself."""
    execute("SET statement_timeout = '20ms'")
    assert trouble_of(error_of(execute, "SELECT pg_sleep(5)")) is BUSY


@only_postgres
def test_a_query_that_needs_too_much_disk_is_busy(database):
    """53400, unlike the rest of its class: it may be the query's own fault."""
    execute("SET temp_file_limit = '64kB'; SET work_mem = '64kB'")
    query = "SELECT count(*) FROM (SELECT n FROM generate_series(1, 100000) n ORDER BY random()) sorted"
    assert trouble_of(error_of(execute, query)) is BUSY


@only_postgres
def test_a_deadlock_is_busy(database, other):
    """40P01"""
    first, second = (Room.objects.create(slug=slug).pk for slug in "ab")
    lock = "UPDATE chatapp_room SET title = 'x' WHERE id = %s"
    execute("SET deadlock_timeout = '20ms'")
    execute("SET deadlock_timeout = '60s'", on=other)

    def cross():
        with transaction.atomic():
            execute(lock, [first])
            execute(lock, [second], on=other)
            thread = threading.Thread(target=execute, args=(lock, [first], other))
            thread.start()
            try:
                execute(lock, [second])
            finally:
                connection.rollback()
                thread.join()

    assert trouble_of(error_of(cross)) is BUSY


@only_postgres
def test_a_transaction_that_can_not_be_serialized_is_busy(database, other):
    """40001"""
    room = Room.objects.create(slug="a")

    def overtaken():
        with transaction.atomic():
            execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            Room.objects.count()
            execute("UPDATE chatapp_room SET title = 'x'", on=other)
            other.commit()
            Room.objects.filter(pk=room.pk).update(title="y")

    assert trouble_of(error_of(overtaken)) is BUSY


@only_postgres
def test_a_connection_that_an_administrator_ends_is_no_fault_of_the_statement(database, postgres):
    """57P01, or no code at all, by the moment."""

    def cut_off(within):
        make_room()
        postgres.execute("SELECT pg_terminate_backend(%d)" % connection.connection.get_backend_pid())
        within()

    assert trouble_of(error_of(cut_off, make_room)) in (AWAY, LOST)
    databases.hang_up()
    make_room()


@only_postgres
def test_a_process_that_stood_still_in_a_transaction_is_busy(database):
    """25P03"""
    execute("SET idle_in_transaction_session_timeout = '20ms'")

    def stand_still():
        with transaction.atomic():
            make_room()
            time.sleep(0.2)  # So long it stands still.
            make_room()

    error = error_of(stand_still)
    assert trouble_of(error) in (BUSY, LOST)


@only_postgres
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT 1 / 0",
        "SELECT nonsense",
        "SELECT * FROM nothing",
        "SELEKT",
        "INSERT INTO chatapp_room (slug) VALUES (NULL)",
        "DO $$ BEGIN RAISE EXCEPTION 'no'; END $$",
    ],
)
def test_what_postgresql_refuses_is_the_fault_of_the_statement(database, statement):
    assert trouble_of(error_of(execute, statement)) is None


@only_postgres
def test_a_mistake_with_a_cursor_is_the_fault_of_the_program(database):
    """It is an InterfaceError, as what a lost connection raises, and the connection is good."""

    def use_closed():
        databases.refresh()
        with connection.cursor() as cursor:
            pass
        cursor.execute("SELECT 1")

    connection.ensure_connection()
    with pytest.raises(InterfaceError) as raised:
        use_closed()
    assert trouble_of(raised.value) is None


@only_postgres
def test_a_layer_keeps_its_connection_where_others_are_only_in_the_way(database, other):
    """And has another where it leads to a server that can't write (P2)."""
    store = make_store("default", "")
    execute("SET lock_timeout = '20ms'")
    pid = connection.connection.get_backend_pid()
    execute("LOCK TABLE relay_life", on=other)
    with pytest.raises(LayerUnavailable):
        store.do(lambda cursor: cursor.execute("DELETE FROM relay_life"))
    assert connection.connection.get_backend_pid() == pid
    other.rollback()
    execute("SET default_transaction_read_only = on")
    with pytest.raises(LayerUnavailable):
        store.do(lambda cursor: cursor.execute("DELETE FROM relay_life"))
    store.do(lambda cursor: cursor.execute("DELETE FROM relay_life"))


# SQLite


@only_sqlite
def test_a_file_that_can_not_be_written_is_away(database):
    """P2"""
    execute("PRAGMA query_only = on")
    assert trouble_of(error_of(make_room)) is AWAY
    assert excuse(error_of(make_room)) is AWAY
    make_room()


@only_sqlite
def test_a_disk_that_is_full_is_away(database):
    execute("PRAGMA max_page_count = 1")
    assert trouble_of(error_of(execute, "CREATE TABLE large AS SELECT zeroblob(1000000)")) is AWAY


def test_a_file_that_can_not_be_opened_is_away(tmp_path):
    with used("sqlite:///%s" % (tmp_path / "nothing" / "db.sqlite3")):
        assert trouble_of(error_of(make_room)) is AWAY


@only_sqlite
@pytest.mark.parametrize("atomic", [False, True], ids=["statement", "transaction"])
def test_a_file_that_another_writes_for_very_long_is_busy(database, monkeypatch, atomic):
    """P6. A transaction waits for it in our own way (relay.backends.sqlite3)."""
    monkeypatch.setattr("relay.backends.sqlite3.base.LOCK_TIMEOUT", 0.05)
    connection.close()
    locked, done = threading.Event(), threading.Event()

    def write():
        with transaction.atomic():
            make_room()
            locked.set()
            done.wait(20)
        connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    locked.wait(20)
    insert = "INSERT INTO chatapp_room (slug, title, head, announced) VALUES ('x', '', 0, 0)"
    try:
        assert trouble_of(error_of(make_room) if atomic else error_of(execute, insert)) is BUSY
    finally:
        done.set()
        thread.join()


@only_sqlite
@pytest.mark.parametrize("statement", ["SELECT * FROM nothing", "SELEKT", "INSERT INTO chatapp_room (id) VALUES (1)"])
def test_what_sqlite_refuses_is_the_fault_of_the_statement(database, statement):
    assert trouble_of(error_of(execute, statement)) is None
