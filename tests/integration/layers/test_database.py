"""What only the database layer promises: to be part of a transaction; and what only a database does to it."""

import threading
import time

import psycopg2
import pytest
from channels import Channel
from channels.asgi import ChannelLayerWrapper
from django.db import connection, connections, transaction

from relay.exceptions import LayerUnavailable
from relay.layers.database import DatabaseChannelLayer, fifos
from relay.outbox import send_on_commit
from tests.layers import Elsewhere, maker_of
from tests.waiting import FACTOR, wait_until

KINDS = ("sqlite", "postgresql")


@pytest.fixture(params=KINDS)
def make(request):
    return maker_of(request.param, request)


@pytest.fixture
def make_on_postgresql(request):
    return maker_of("postgresql", request)


@pytest.fixture
def make_on_sqlite(request):
    return maker_of("sqlite", request)


@pytest.fixture
def elsewhere():
    worker = Elsewhere()
    yield worker
    worker.end()


def taken(layer, *channels):
    return [delivery.content["n"] for delivery in layer.take(channels, 100)]


def test_what_is_sent_in_a_transaction_exists_if_and_only_if_it_is_committed(make, elsewhere):
    layer = make(channel_expiry={"c": None})
    layer.group_add("g", "web!a")
    layer.receive(["web!"])
    with transaction.atomic():
        layer.send("c", {"n": 1})
        layer.send_group("g", {"n": 1})
        transaction.set_rollback(True)
    with transaction.atomic():
        layer.send("c", {"n": 2})
        layer.send_group("g", {"n": 2})
        assert elsewhere(taken, make(), "c") == []
    assert elsewhere(taken, make(), "c") == [2]
    assert layer.receive(["web!"]) == ("web!a", {"n": 2})
    assert layer.receive(["web!"]) == (None, None)
    assert {row.channel: row.sent for row in layer.status()}["c"] == 1


def test_what_is_sent_on_commit_is_part_of_the_transaction(make, elsewhere):
    """Of a process that dies just after the commit, nothing is missing."""
    wrapper = ChannelLayerWrapper(make(), "default", [])
    target = Channel("c", channel_layer=wrapper)
    with transaction.atomic():
        send_on_commit(target, {"n": 1})
        assert [run for _, run, _ in connection.run_on_commit if "send_on_commit" in run.__qualname__] == []
    with transaction.atomic():
        send_on_commit(target, {"n": 2})
        transaction.set_rollback(True)
    send_on_commit(target, {"n": 3})
    assert taken(wrapper, "c") == [1, 3]


def test_who_waits_is_woken_when_the_transaction_is_committed(make, elsewhere):
    layer, other = make(), make()
    other.blpop_timeout = 20 * FACTOR
    thread = threading.Thread(target=lambda: found.append(elsewhere(other.take, ["c"], 1, True)))
    found = []
    elsewhere(other.take, ["c"])
    thread.start()
    wait_until(lambda: other.readers.all[0].bell.heard, "it listens")
    with transaction.atomic():
        layer.send("c", {"n": 1})
    began = time.monotonic()
    thread.join(30 * FACTOR)
    assert time.monotonic() - began < 5 * FACTOR, "it need not look by itself"
    assert [delivery.content for delivery in found[0]] == [{"n": 1}]


def test_a_long_transaction_that_has_sent_holds_up_nobody(make_on_postgresql, elsewhere):
    """Neither who sends to the same lane, nor who takes from it: a bot that dawdles would else stop a room."""
    layer = make_on_postgresql(ordering={"rooms": "room"})
    layer.send("rooms", {"room": "a", "n": 0})
    with transaction.atomic():
        layer.send("rooms", {"room": "a", "n": 1})
        layer.send("rooms", {"room": "new", "n": 1})
        other = make_on_postgresql()
        elsewhere(other.send, "rooms", {"room": "a", "n": 2})
        elsewhere(other.send, "rooms", {"room": "new", "n": 2})
        found = elsewhere(other.take, ["rooms"], 10)
        assert [delivery.content["n"] for delivery in found] == [0, 2, 2]
        elsewhere(other.acknowledge, found)
    assert taken(layer, "rooms") == [1, 1]


@pytest.mark.parametrize("method", ["send", "group_send"])
def test_a_send_whose_answer_was_lost_has_its_effect_once(make_on_postgresql, monkeypatch, method):
    """A5. With SQLite nothing stands between the two that could lose it."""
    layer = make_on_postgresql()
    layer.group_add("g", "web!a")
    layer.receive(["web!"])
    really = getattr(layer.store, method)
    lost = []

    def lose_the_first_answer(*args):
        answer = really(*args)
        if not lost:
            lost.append(answer)
            raise LayerUnavailable("its answer is lost")
        return answer

    monkeypatch.setattr(layer.store, method, lose_the_first_answer)
    layer.send("web!a", {"n": 1}) if method == "send" else layer.send_group("g", {"n": 1})
    assert layer.receive(["web!"]) == ("web!a", {"n": 1})
    assert layer.receive(["web!"]) == (None, None)


def test_a_take_whose_answer_was_lost_keeps_nothing_from_the_next(make, monkeypatch):
    layer = make(ordering={"rooms": "room"})
    layer.send_many([("rooms", {"room": "a", "n": n}) for n in range(3)])
    really = layer.store.take

    def lose_the_answer(*args):
        really(*args)
        raise LayerUnavailable("its answer is lost")

    monkeypatch.setattr(layer.store, "take", lose_the_answer)
    assert layer.take(["rooms"], 10) == []
    monkeypatch.setattr(layer.store, "take", really)
    assert taken(layer, "rooms") == [0, 1, 2]


def test_what_can_not_be_read_is_a_dead_letter_and_the_next_is_served(make):
    """A7: another release packed it, or another program."""
    layer = make(ordering={"c": "room"})
    for n in range(3):
        layer.send("c", {"room": "a", "n": n})
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE relay_message SET body = %s WHERE id = (SELECT min(id) + 1 FROM relay_message)", [b"\xc1"]
        )
    assert taken(layer, "c") == [0, 2]
    (letter,) = layer.dead_letters()
    assert (letter.channel, letter.content) == ("c", None)
    assert letter.reason.startswith("It can't be read: ")


def test_what_is_given_up_before_something_unreadable_is_kept_itself(make):
    layer = make(ordering={"c": "room"})
    for n in range(2):
        layer.send("c", {"room": "a", "n": n})
    with connection.cursor() as cursor:
        cursor.execute("UPDATE relay_message SET body = %s WHERE id = (SELECT max(id) FROM relay_message)", [b"\xc1"])
    (delivery,) = layer.take(["c"], 10)
    layer.dead_letter(delivery, "given up")
    assert {letter.reason: letter.content for letter in layer.dead_letters()}["given up"] == {"room": "a", "n": 0}
    assert layer.take(["c"], 10) == []


def test_without_its_tables_it_says_what_to_do(make):
    layer = make(patience=0)
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE relay_message")
    with pytest.raises(LayerUnavailable, match=r"lacks its tables .*relay_message.*: run manage"):
        layer.send("c", {"n": 1})


def test_counts_are_those_of_all_processes(make):
    layer, other = make(capacity=2), make()
    for n in range(3):
        layer.send_many([("c", {"n": n})])
    other.send_many([("c", {"n": 3})])
    layer.close()
    other.close()
    assert [(row.sent, row.full) for row in make().status()] == [(2, 2)]


# PostgreSQL


def activity():
    """What the server was asked last, on each connection but this."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return [query for (query,) in cursor.fetchall()]


def test_a_process_listens_on_one_connection_however_many_wait(make_on_postgresql):
    layer = make_on_postgresql()
    workers = [Elsewhere() for _ in range(3)]
    for number, worker in enumerate(workers):
        worker(layer.take, ["c%d" % number], 1)
    threads = [
        threading.Thread(target=lambda worker=worker, n=n: worker(layer.take, ["c%d" % n], 1, True))
        for n, worker in enumerate(workers)
    ]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(layer.store.listener.told) == 3, "they listen")
    assert len([query for query in activity() if "LISTEN" in query]) == 1
    layer.send_many([("c%d" % n, {}) for n in range(3)])
    for thread in threads:
        thread.join(10)
    for worker in workers:
        worker.end()


def test_a_listening_connection_that_breaks_is_made_again_and_rings(make_on_postgresql, elsewhere):
    layer, other = make_on_postgresql(), make_on_postgresql()
    other.blpop_timeout = 20 * FACTOR
    found = []
    thread = threading.Thread(target=lambda: found.extend(elsewhere(other.take, ["c"], 1, True)))
    thread.start()
    wait_until(lambda: other.store.listener.told, "it listens")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'")
    wait_until(lambda: other.store.listener.remote.failures == 0 and other.store.listener.told, "it listens again")
    layer.send("c", {"n": 1})
    thread.join(30 * FACTOR)
    assert [delivery.content["n"] for delivery in found] == [1]


def test_every_connection_may_break_at_any_time(make_on_postgresql, elsewhere):
    layer = make_on_postgresql(lease=20 * FACTOR)
    layer.group_add("g", "web!a")
    layer.receive(["web!"])
    for n in range(5):
        with another_connection() as admin, admin.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        layer.send_group("g", {"n": n})
    assert [layer.receive(["web!"])[1] for _ in range(5)] == [{"n": n} for n in range(5)]


def test_who_waits_asks_nothing(make_on_postgresql, elsewhere, monkeypatch):
    """But for the beats, which are another thread's."""
    layer = make_on_postgresql()
    layer.blpop_timeout = 20 * FACTOR
    asked, do = [], layer.store.do
    monkeypatch.setattr(
        layer.store, "do", lambda *args, **kw: asked.append(threading.current_thread()) or do(*args, **kw)
    )
    thread = threading.Thread(target=elsewhere, args=(layer.take, ["c"], 1, True))
    thread.start()
    wait_until(lambda: layer.store.listener.told, "it listens")
    wait_until(lambda: elsewhere.thread in asked, "it has looked")
    threading.Event().wait(2)  # Nothing may happen: there is no event to wait for.
    assert asked.count(elsewhere.thread) == 1
    layer.send("c", {})
    thread.join(30 * FACTOR)


#: As if a clean-up deleted messages that have expired between two statements of a take.
SWEPT_AWAY = """
ALTER FUNCTION relay_acknowledge RENAME TO acknowledge_first;
CREATE FUNCTION relay_acknowledge(
    text, text[], bigint[], integer[], bigint[], bigint[], integer[], OUT lost integer, OUT freed text[]
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT a.lost, a.freed INTO lost, freed FROM acknowledge_first($1, $2, $3, $4, $5, $6, $7) a;
    DELETE FROM relay_message;
END $$
"""


def test_messages_that_expire_while_their_lane_is_freed_spoil_no_take(make_on_postgresql):
    layer = make_on_postgresql(ordering={"rooms": "room"})
    layer.send_many([("rooms", {"room": "a", "n": n}) for n in range(2)])
    taken = layer.take(["rooms"], 1)
    with another_connection() as admin, admin.cursor() as cursor:
        cursor.execute(SWEPT_AWAY)
    assert layer.take(["rooms"], 1, done=taken) == []
    assert layer.send_many([("rooms", {"room": "a", "n": 2})]) == []
    assert [delivery.content["n"] for delivery in layer.take(["rooms"])] == [2]


def another_connection():
    return psycopg2.connect(**connection.get_connection_params())


# SQLite


def test_what_dead_readers_leave_is_removed(make_on_sqlite):
    layer = make_on_sqlite()
    folder = layer.store.folder
    alive = layer.store.make_bell("alive")
    dead = layer.store.make_bell("dead")
    alive.hear(["c"])
    dead.hear(["c", "d"])
    del dead
    fifos.ring(folder, ["c"])
    assert alive.wait(1)
    assert [path.name for path in fifos.folder_of(folder, "c").iterdir()] == ["alive"]
    fifos.tidy(folder)
    assert not fifos.folder_of(folder, "d").exists()
    assert (folder / "readers" / "alive").exists()


def test_a_reader_that_dies_while_it_is_rung_for_harms_nobody(make_on_sqlite, monkeypatch):
    layer = make_on_sqlite()
    bell = layer.store.make_bell("dies")
    bell.hear(["c"])

    def die(pipe, data):
        raise BrokenPipeError

    monkeypatch.setattr(fifos.os, "write", die)
    layer.send("c", {"n": 1})
    assert not (fifos.folder_of(layer.store.folder, "c") / "dies").exists()


def test_a_bell_rings_once_however_often_it_is_rung(make_on_sqlite):
    layer = make_on_sqlite()
    bell = layer.store.make_bell("one")
    bell.hear(["c"])
    for _ in range(70_000):
        fifos.touch(fifos.folder_of(layer.store.folder, "c") / "one")
    assert bell.wait(0)
    bell.hear(["c"])
    assert not bell.wait(0)


def test_a_database_in_memory_is_refused(monkeypatch):
    layer = DatabaseChannelLayer()
    monkeypatch.setattr(type(connections["default"]), "is_in_memory_db", lambda self: True)
    with pytest.raises(Exception, match="needs a file"):
        layer.receive(["c"])
