"""Database connections of consumers, on both databases where it makes a difference."""

import signal
import threading

import psycopg2
import pytest
from channels import Channel
from channels.asgi import ChannelLayerWrapper, channel_layers
from channels.sessions import channel_session
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from chatapp.models import Room
from relay import databases
from relay.decorators import linearize
from relay.exceptions import LayerUnavailable
from relay.layers.inmemory import ChannelLayer
from relay.outbox import send_on_commit
from tests.databases import used
from tests.outages import locked, read_only
from tests.waiting import wait_until
from tests.worker import Office

only_postgres = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def memory_office(database):
    """An office on the layer in memory, which is the default layer too."""
    layer = ChannelLayer(expiry=60, max_deliveries=3, ordering={"lanes": "lane"})
    before = channel_layers.set("default", ChannelLayerWrapper(layer, "default", []))
    office = Office(lambda **options: layer)
    yield office
    office.close()
    if before is None:
        del channel_layers.backends["default"]
    else:
        channel_layers.set("default", before)


def cut_off(postgres, pid):
    """End a connection as its server's restart, or a firewall, would."""
    postgres.execute("SELECT pg_terminate_backend(%d)" % pid)


def backend_pid():
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]


@only_postgres
def test_a_connection_that_broke_while_idle_is_not_used(memory_office, postgres, monkeypatch):
    """B14"""
    monkeypatch.setattr(databases, "IDLE", 0.0)
    pids, errors = [], []

    def consumer(message):
        try:
            pids.append(backend_pid())
        except Exception as e:
            errors.append(e)
            raise

    memory_office.on("work", consumer)
    memory_office.hire()
    memory_office.send("work")
    wait_until(lambda: len(pids) == 1, "it is connected")
    cut_off(postgres, pids[0])
    memory_office.send("work")
    wait_until(lambda: len(pids) == 2, "it is connected again")
    assert errors == []


@only_postgres
def test_a_consumer_that_loses_its_connection_is_called_once_more(memory_office, postgres, caplog):
    """B14. Nothing of the first time is sent (B11)."""
    calls = []

    def consumer(message):
        calls.append(backend_pid())
        Channel("out").send({"call": len(calls)})
        with transaction.atomic():
            Room.objects.create(slug="made-%d" % len(calls))
            if len(calls) == 1:
                cut_off(postgres, calls[0])
                Room.objects.count()

    memory_office.on("work", consumer)
    worker = memory_office.hire()
    memory_office.send("work")
    memory_office.wait_until_empty("work")
    wait_until(lambda: worker.tally().messages == 1, "it is handled")
    assert worker.tally().failed.total() == 0
    assert [room.slug for room in Room.objects.all()] == ["made-2"]
    assert memory_office.layer.receive(["out"])[1] == {"call": 2}
    assert memory_office.layer.receive(["out"])[1] is None


@only_postgres
def test_messages_wait_for_a_database_that_is_away_however_often_it_takes(memory_office, monkeypatch):
    """It is not their fault, so it is not counted: none becomes a dead letter."""
    away, handled = threading.Event(), []
    connect = psycopg2.connect

    def refuse(*args, **kwargs):
        if away.is_set():
            raise psycopg2.OperationalError("the database system is shutting down")
        return connect(*args, **kwargs)

    monkeypatch.setattr(psycopg2, "connect", refuse)

    def consumer(message):
        Room.objects.count()
        handled.append(message["n"])

    memory_office.on("lanes", consumer)
    away.set()
    worker = memory_office.hire()
    for n in range(3):
        memory_office.send("lanes", lane="a", n=n)
    wait_until(lambda: worker.tally().waited > 4, "it was tried more often than max_deliveries")
    away.clear()
    memory_office.wait_until_empty("lanes")
    assert handled == [0, 1, 2]
    assert memory_office.layer.dead_letters() == []


def test_an_idle_connection_to_a_server_that_went_down_at_once_is_lost(own_postgres):
    """psycopg2 calls the first error of it a plain DatabaseError, as if it were the statement's fault."""
    url, server = own_postgres
    with used(url):
        databases.refresh()
        connection.ensure_connection()
        postmaster = server.get_postmaster_info().process
        postmaster.send_signal(signal.SIGQUIT)
        postmaster.wait(20)
        with connection.cursor() as cursor, pytest.raises(OperationalError) as raised:
            cursor.execute("SELECT 1")
        assert databases.was_lost(raised.value)
        connection.close()


def test_messages_wait_for_a_database_that_is_full_however_often_it_takes(memory_office):
    """A disk without room is not their fault either. As the servers say it: SQLite itself, PostgreSQL by its code."""
    full, handled = threading.Event(), []

    def consumer(message):
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("PRAGMA max_page_count = %d" % (1 if full.is_set() else 10**6))
            elif full.is_set():
                cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$")
        data = "x" * 100_000
        Session.objects.create(session_key=str(message["n"]), session_data=data, expire_date=timezone.now())
        handled.append(message["n"])

    memory_office.on("lanes", consumer)
    full.set()
    worker = memory_office.hire()
    for n in range(3):
        memory_office.send("lanes", lane="a", n=n)
    wait_until(lambda: worker.tally().waited > 4, "it was tried more often than max_deliveries")
    full.clear()
    memory_office.wait_until_empty("lanes")
    assert handled == [0, 1, 2]
    assert memory_office.layer.dead_letters() == []


@only_postgres
@pytest.mark.parametrize("trouble", [read_only, locked])
def test_messages_wait_for_a_database_that_can_not_be_written_however_often_it_takes(memory_office, postgres, trouble):
    """P2, P6: ten tries, and they were dead letters. What goes on goes on by itself."""
    handled = []

    def consumer(message):
        Room.objects.create(slug="made-%d" % message["n"])
        handled.append(message["n"])

    memory_office.on("lanes", consumer)
    with trouble(postgres, connection.settings_dict["NAME"]):
        worker = memory_office.hire()
        for n in range(3):
            memory_office.send("lanes", lane="a", n=n)
        wait_until(lambda: worker.tally().waited > 4, "it was tried more often than max_deliveries")
    memory_office.wait_until_empty("lanes")
    assert handled == [0, 1, 2]
    assert memory_office.layer.dead_letters() == []
    assert worker.tally().failed.total() == 0


@only_postgres
def test_a_statement_that_never_ends_in_time_stops_its_lane_only_for_a_while(memory_office, settings_override):
    """Whoever else is in its way, it is a failure after RELAY_DATABASE_PATIENCE."""
    settings_override(RELAY_DATABASE_PATIENCE=0.5)
    handled = []

    def consumer(message):
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = '10ms'; SELECT pg_sleep(%s)", [message["seconds"]])
        handled.append(message["seconds"])

    memory_office.on("lanes", consumer)
    worker = memory_office.hire()
    for seconds in (5, 0):
        memory_office.send("lanes", lane="a", seconds=seconds)
    memory_office.wait_until_empty("lanes")
    assert handled == [0]
    assert len(memory_office.layer.dead_letters()) == 1
    assert worker.tally().waited > 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_messages_wait_for_a_layer_that_is_away(memory_office):
    """It is no more their fault than a database is."""
    away, handled = threading.Event(), []

    def consumer(message):
        if away.is_set():
            raise LayerUnavailable("another layer, which the consumer sends to at once")
        handled.append(message["n"])

    memory_office.on("lanes", consumer)
    away.set()
    worker = memory_office.hire()
    memory_office.send("lanes", lane="a", n=1)
    wait_until(lambda: worker.tally().waited > 3, "it was tried more often than max_deliveries")
    away.clear()
    memory_office.wait_until_empty("lanes")
    assert handled == [1]


@only_postgres
@pytest.mark.parametrize("trouble", [read_only, locked])
def test_who_waits_for_an_answer_is_told_to_come_back_and_nobody_that_it_is_forbidden(
    memory_office, postgres, trouble, caplog
):
    """P6: 403 and 500, with a traceback each."""

    def consumer(message):
        Room.objects.create(slug="made")

    for channel in ("websocket.connect", "http.request"):
        memory_office.on(channel, consumer)
    with trouble(postgres, connection.settings_dict["NAME"]):
        worker = memory_office.hire()
        for channel in ("websocket.connect", "http.request"):
            memory_office.send(channel, reply_channel="test.reply!" + channel)
        wait_until(lambda: worker.tally().handled.total() + worker.tally().waited == 2, "both are answered")
        answers = [wait_until(lambda: memory_office.layer.receive(["test.reply!"])[1], "an answer") for _ in range(2)]
    response, refusal = sorted(answers, key=lambda content: "close" in content)
    assert refusal == {"close": 1013}
    assert (response["status"], dict(response["headers"])[b"Retry-After"]) == (503, b"5")
    assert worker.tally().failed.total() == 0
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@only_postgres
def test_who_waits_for_an_answer_notices_no_failover_that_is_over(memory_office, postgres):
    """P2: the connection leads to what was the master, and another would lead to the one that is."""
    pids = []

    def consumer(message):
        pids.append(backend_pid())
        Room.objects.create(slug="made-%d" % len(pids))
        message.reply_channel.send({"accept": True})
        if len(pids) == 1:
            with connection.cursor() as cursor:
                cursor.execute("SET default_transaction_read_only = on")

    memory_office.on("websocket.connect", consumer)
    memory_office.hire()
    for _ in range(2):
        memory_office.send("websocket.connect", reply_channel="test.reply!socket")
        answer = wait_until(lambda: memory_office.layer.receive(["test.reply!"])[1], "an answer")
        assert answer == {"accept": True}
    assert pids[0] == pids[1] != pids[2]


@pytest.mark.parametrize("connected", [False, True], ids=["not connected before", "connected"])
def test_an_error_of_the_statement_is_no_lost_connection(database, connected):
    connection.close()
    if connected:
        connection.ensure_connection()
    databases.refresh()
    connection.ensure_connection()
    with pytest.raises(OperationalError) as raised, connection.cursor():
        raise OperationalError("a deadlock, or a lock that was not had in time")
    assert not databases.was_lost(raised.value)
    wrapped = RuntimeError("what the application makes of it")
    wrapped.__cause__ = raised.value
    assert not databases.was_lost(wrapped)
    connection.close()
    assert databases.was_lost(wrapped)
    connection.ensure_connection()
    assert databases.was_lost(wrapped), "another one does not hide it"


@only_postgres
def test_messages_share_a_connection(memory_office):
    """B15"""
    pids = []
    memory_office.on("work", lambda message: pids.append(backend_pid()))
    memory_office.hire()
    for _ in range(20):
        memory_office.send("work")
    memory_office.wait_until_empty("work")
    assert len(set(pids)) == 1


def test_what_is_sent_on_commit_is_not_there_before_and_not_after_a_rollback(memory_office):
    """B12"""
    with transaction.atomic():
        send_on_commit(Channel("out"), {"n": 1})
        assert memory_office.layer.receive(["out"]) == (None, None)
    assert memory_office.layer.receive(["out"])[1] == {"n": 1}
    with transaction.atomic():
        send_on_commit(Channel("out"), {"n": 2})
        transaction.set_rollback(True)
    assert memory_office.layer.receive(["out"]) == (None, None)
    send_on_commit(Channel("out"), {"n": 3})
    assert memory_office.layer.receive(["out"])[1] == {"n": 3}


def test_the_frames_of_one_socket_lose_nothing_of_its_session(memory_office):
    """C3, C4, C6, C8: on four threads, and each frame is handled with what the one before it has saved."""
    sockets, frames = 4, 15
    later = []

    @linearize
    @channel_session
    def consumer(message):
        message.channel_session["seen"] = [*message.channel_session.get("seen", []), message["n"]]

    memory_office.on("websocket.receive", consumer)
    memory_office.hire(threads=4)
    for n in range(frames):
        for socket in range(sockets):
            memory_office.send("websocket.receive", reply_channel="daphne.response.x!%d" % socket, n=n)
    memory_office.wait_until_empty("websocket.receive", 60)
    assert memory_office.layer.dead_letters() == later
    found = [session.get_decoded()["seen"] for session in Session.objects.all()]
    assert found == [list(range(frames))] * sockets


def test_a_session_that_was_deleted_while_its_frame_was_handled_hides_no_result(memory_office):
    """C7: "Forced update did not affect any rows" in place of what the consumer did."""
    handled = []

    @linearize
    @channel_session
    def consumer(message):
        message.channel_session["n"] = 1
        Session.objects.all().delete()
        Channel("out").send({"n": 1})
        handled.append(1)

    memory_office.on("websocket.receive", consumer)
    memory_office.hire()
    memory_office.send("websocket.receive", reply_channel="daphne.response.x!y")
    memory_office.wait_until_empty("websocket.receive")
    assert handled == [1]
    assert memory_office.layer.receive(["out"])[1] == {"n": 1}
    assert Session.objects.count() == 0
