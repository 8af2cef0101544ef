import threading

import pytest
from channels import Channel, Group
from django.db import connection, transaction
from django.utils import timezone

from chatapp import ledger, protocol
from chatapp.exceptions import ClientError
from chatapp.identity import Sender
from chatapp.models import ChatMessage, Room
from chatapp.protocol import History
from relay import conf
from tests.chat import Socket

ANN = Sender("user:1", "Ann")
BEN = Sender("user:2", "Ben")


def fill(room, count, text="m%d"):
    return [
        ledger.store(room, Sender("server", "server"), text % n if "%" in text else text, str(n))[0]
        for n in range(count)
    ]


def test_messages_of_a_room_are_numbered_from_one_without_holes(lobby):
    other = Room.objects.create(slug="other")
    rows = [ledger.store(room, ANN, "hi", str(n))[0] for n in range(3) for room in (lobby, other)]
    assert [row.seq for row in rows] == [1, 1, 2, 2, 3, 3]


def test_the_same_client_id_is_the_same_message(lobby):
    first, is_new = ledger.store(lobby, ANN, "hi", "c")
    again, is_new_again = ledger.store(lobby, ANN, "changed", "c")
    assert (is_new, is_new_again) == (True, False)
    assert (again.pk, again.message) == (first.pk, "hi")
    assert ChatMessage.objects.count() == 1


def test_a_client_id_belongs_to_its_sender_and_room(lobby):
    other = Room.objects.create(slug="other")
    stored = [
        ledger.store(lobby, ANN, "hi", "c"),
        ledger.store(lobby, BEN, "hi", "c"),
        ledger.store(other, ANN, "hi", "c"),
    ]
    assert [is_new for _, is_new in stored] == [True, True, True]


def test_a_number_taken_by_a_transaction_that_fails_is_taken_again(lobby):
    with transaction.atomic():
        ledger.store(lobby, ANN, "lost", "1")
        transaction.set_rollback(True)
    row, _ = ledger.store(lobby, ANN, "kept", "2")
    assert row.seq == 1


def test_four_threads_number_a_room_without_holes_or_errors(lobby):
    errors = []

    def write(number):
        try:
            for n in range(25):
                ledger.store(lobby, Sender("bot:%d" % number, "b"), "hi", str(n))
        except Exception as e:
            errors.append(e)
        finally:
            connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert list(lobby.messages.order_by("id").values_list("seq", flat=True)) == list(range(1, 101))


def test_one_who_is_too_fast_is_told_when_to_try_again(lobby, settings_override):
    settings_override(CHAT_RATE_LIMIT=1)
    for n in range(ledger.RATE_WINDOW):
        ledger.store(lobby, ANN, "hi", str(n))
    with pytest.raises(ClientError) as raised:
        ledger.store(lobby, ANN, "hi", "one more")
    assert (raised.value.code, raised.value.client_id) == ("rate_limited", "one more")
    assert raised.value.retry_after > 0
    ledger.store(lobby, BEN, "others are not held up", "1")
    assert ledger.store(lobby, ANN, "hi", "0")[1] is False, "a repeat gets its first answer, not an error"


def test_the_rate_recovers(lobby, settings_override):
    settings_override(CHAT_RATE_LIMIT=1)
    for n in range(ledger.RATE_WINDOW):
        ledger.store(lobby, ANN, "hi", str(n))
    ChatMessage.objects.update(sent=timezone.now() - timezone.timedelta(seconds=ledger.RATE_WINDOW + 1))
    assert ledger.store(lobby, ANN, "hi", "later")[1] is True


def test_a_broadcast_sends_what_was_not_sent_in_order_and_once(layer, lobby):
    socket = Socket(layer)
    rows = fill(lobby, 3)
    ledger.announce(lobby)
    ledger.announce(lobby)
    assert [frame["seq"] for frame in socket.frames("message")] == [row.seq for row in rows]
    lobby.refresh_from_db()
    assert lobby.announced == lobby.head == 3


def test_what_a_dead_worker_stored_is_broadcast_with_the_next_message(layer, lobby):
    socket = Socket(layer)
    fill(lobby, 2)
    socket.frames()
    socket.say("third")
    assert [frame["seq"] for frame in socket.frames("message")] == [1, 2, 3]


def test_a_broadcast_that_fails_is_repeated_whole(layer, lobby, monkeypatch):
    """A room's `announced` moves only with the commit, so a layer that fails half way loses nothing."""
    socket = Socket(layer)
    fill(lobby, 2)

    def fail_at_second(sends):
        Group.send(*next(iter(sends)), immediately=True)
        raise ConnectionError("Redis is gone")

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "send_at_once", fail_at_second)
        with pytest.raises(ConnectionError):
            ledger.announce(lobby)
    ledger.announce(lobby)
    assert [frame["seq"] for frame in socket.frames("message")] == [1, 1, 2]


def test_a_long_backlog_is_broadcast_in_parts(layer, lobby, monkeypatch):
    monkeypatch.setattr(ledger, "ANNOUNCE_LIMIT", 2)
    socket = Socket(layer)
    fill(lobby, 5)
    ledger.announce(lobby)
    assert [frame["seq"] for frame in socket.frames("message")] == [1, 2, 3, 4, 5]


def test_a_page_of_control_characters_still_fits_into_a_frame(lobby):
    """Each takes six bytes in JSON; a frame larger than RELAY_MAX_MESSAGE_BYTES would never arrive."""
    fill(lobby, 100, "\x01" * 4000)
    frame = ledger.history_frame(lobby, History(before=None, since=0, limit=100))
    assert len(frame["messages"]) < 100
    assert len(protocol.text(frame)["text"]) < conf.MAX_MESSAGE_BYTES / 2


def test_bots_that_cannot_keep_up_do_not_hold_up_the_room(layer, lobby, monkeypatch, caplog):
    socket = Socket(layer)
    fill(lobby, 1, "/roll 1d6")

    def full(self, content, immediately=False):
        raise self.channel_layer.ChannelFull

    monkeypatch.setattr(Channel, "send", full)
    ledger.announce(lobby)
    assert [frame["seq"] for frame in socket.frames("message")] == [1]
    assert "chat-bots is full: no bot sees message 1 of room lobby" in caplog.text


def test_a_message_that_is_just_being_broadcast_is_in_history_already(layer, lobby, monkeypatch):
    """One who hears it and asks for the hole before it must not be told that there is nothing."""
    fill(lobby, 2)
    during = []

    def look(sends):
        stale = Room.objects.get(pk=lobby.pk)
        during.append([row.seq for row in ledger.page(stale, History(None, 0, 10)).rows])

    monkeypatch.setattr(ledger, "send_at_once", look)
    ledger.announce(lobby)
    assert during == [[1, 2]]


def numbers(page):
    return [row.seq for row in page.rows]


def test_history_before_a_number_ends_just_there(layer, lobby):
    fill(lobby, 10)
    page = ledger.page(lobby, History(before=8, since=None, limit=3))
    assert (numbers(page), page.complete) == ([5, 6, 7], False)
    assert ledger.page(lobby, History(before=4, since=None, limit=3)).complete


def test_history_since_a_number_begins_just_after_it(layer, lobby):
    fill(lobby, 10)
    page = ledger.page(lobby, History(before=None, since=5, limit=3))
    assert (numbers(page), page.complete) == ([6, 7, 8], False)
    page = ledger.page(lobby, History(before=None, since=7, limit=3))
    assert (numbers(page), page.complete) == ([8, 9, 10], True)
    assert ledger.page(lobby, History(before=None, since=10, limit=3)) == ([], True)


def test_a_page_of_long_messages_is_cut_to_what_a_frame_may_hold(layer, lobby, monkeypatch):
    monkeypatch.setattr(ledger, "PAGE_BYTES", 250)
    fill(lobby, 5, "x" * 100)
    page = ledger.page(lobby, History(before=None, since=0, limit=5))
    assert (numbers(page), page.complete) == ([1, 2], False)
    page = ledger.page(lobby, History(before=6, since=None, limit=5))
    assert (numbers(page), page.complete) == ([4, 5], False)
