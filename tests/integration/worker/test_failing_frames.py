"""What a worker does with the frames of a socket whose consumer raises, and with what comes behind them (L3, L5)."""

import threading
import time

import pytest
from channels import Group
from channels.exceptions import ConsumeLater
from django.db import DataError

from relay.metrics.drops import DROPPED
from tests.layers import maker_of
from tests.waiting import FACTOR, wait_until
from tests.worker import Office

FRAME, KEEPALIVE, END = ("websocket." + kind for kind in ("receive", "keepalive", "disconnect"))


def send(office, *messages):
    """As an interface server does: what has gathered, in one call."""
    assert office.layer.send_many([(channel, {"path": "/", **content}) for channel, content in messages]) == []


@pytest.mark.parametrize("channel", [FRAME, KEEPALIVE])
def test_a_frame_whose_consumer_raises_is_a_dead_letter_at_once_and_the_next_is_handled(office, channel):
    """L5: ten tries with rests between them took its socket a quarter of a minute."""
    handled = []

    def consumer(message):
        handled.append((message["n"], message.content.attempts, time.monotonic()))
        if message["n"] == 0:
            raise ValueError("no JSON")

    office.on(channel, consumer)
    send(office, *((channel, {"reply_channel": "web!a", "n": n}) for n in (0, 1)))
    office.hire()
    office.wait_until_empty(channel)
    assert [(n, attempts) for n, attempts, _ in handled] == [(0, 1), (1, 1)]
    assert handled[1][2] - handled[0][2] < 1 * FACTOR
    (letter,) = office.layer.dead_letters()
    assert (letter.content["n"], letter.attempts) == (0, 1)
    assert "no JSON" in letter.reason


def test_what_a_database_refuses_to_store_is_tried_once(office):
    """P5: it is the text's fault, each time. Elsewhere a message is tried ten times."""
    tried = []

    def consumer(message):
        tried.append(message.content.attempts)
        raise DataError("character has no equivalent in encoding LATIN1")

    office.on("orders", consumer)
    office.send("orders", text="日本")
    office.hire()
    office.wait_until_empty("orders")
    assert tried == [1]
    assert [letter.attempts for letter in office.layer.dead_letters()] == [1]


def test_a_project_may_have_frames_tried_more_often(office, settings_override):
    settings_override(RELAY_ATTEMPTS={FRAME: 3})
    tried = []

    def consumer(message):
        tried.append(message.content.attempts)
        raise ValueError("no JSON")

    office.on(FRAME, consumer)
    send(office, (FRAME, {"reply_channel": "web!a"}))
    office.hire()
    office.wait_until_empty(FRAME)
    assert tried == [1, 2, 3]


def test_a_frame_that_is_wanted_later_for_ever_delays_its_socket_by_less_than_two_seconds(office):
    """L5: it is asked for as often as elsewhere, with shorter rests; then its socket goes on."""
    tried, ended = [], []

    def consumer(message):
        tried.append(time.monotonic())
        raise ConsumeLater

    office.on(FRAME, consumer)
    office.on(END, lambda message: ended.append(time.monotonic()))
    send(office, (FRAME, {"reply_channel": "web!a"}), (END, {"reply_channel": "web!a"}))
    office.hire()
    wait_until(lambda: ended, "its disconnect is handled")
    assert len(tried) == office.layer.max_deliveries
    assert ended[0] - tried[0] < 2 * FACTOR


def test_a_dead_letter_that_is_not_kept_is_logged_and_counted(request, monkeypatch, caplog):
    """L5: its limit is a thousand; a layer that needs no server says for how many it stands here."""
    monkeypatch.setattr("relay.layers.inmemory.LETTERS_LIMIT", 2)
    office = Office(maker_of("memory", request))
    office.on(FRAME, lambda message: 1 / 0)
    before = DROPPED["letters"]._value.get()
    send(office, *((FRAME, {"reply_channel": "web!%d" % n, "n": n}) for n in range(5)))
    worker = office.hire()
    office.wait_until_empty(FRAME)
    wait_until(lambda: worker.tally().dead == 5, "it has told of all")
    office.close()
    assert len(office.layer.dead_letters()) == 2
    assert caplog.text.count("Of %s no more dead letters are kept: manage.py deadletters discard" % FRAME) == 3
    assert DROPPED["letters"]._value.get() - before == 3


def test_no_socket_is_in_a_group_after_its_disconnect_was_handled(office):
    """L3: a keepalive that another worker handled after the disconnect had the dead socket join again."""
    group, order = "crowd", []
    names = ["web!%d" % n for n in range(20)]

    def keepalive(message):
        time.sleep(0.01)  # Long enough for another thread to get at the disconnect.
        Group(group, channel_layer=message.channel_layer).add(message.reply_channel)
        order.append((message.reply_channel.name, "keepalive"))

    def disconnect(message):
        Group(group, channel_layer=message.channel_layer).discard(message.reply_channel)
        order.append((message.reply_channel.name, "disconnect"))

    office.on(KEEPALIVE, keepalive)
    office.on(END, disconnect)
    for name in names:
        send(office, *((channel, {"reply_channel": name}) for channel in (KEEPALIVE, KEEPALIVE, END)))
    for _ in range(2):
        office.hire(threads=2)
    for channel in (KEEPALIVE, END):
        office.wait_until_empty(channel)
    for name in names:
        assert [what for who, what in order if who == name] == ["keepalive", "keepalive", "disconnect"]
    assert office.layer.group_channels(group) == []


def test_a_keepalive_that_stands_in_its_consumer_keeps_the_disconnect_waiting_and_nobody_else(office):
    """L3"""
    gate, ended = threading.Event(), []
    office.on(KEEPALIVE, lambda message: gate.wait(30))
    office.on(END, lambda message: ended.append(message.reply_channel.name))
    send(office, (KEEPALIVE, {"reply_channel": "web!a"}))
    for _ in range(2):
        office.hire()
    wait_until(lambda: office.row(KEEPALIVE).in_flight == 1, "the keepalive is in its consumer")
    send(office, *((END, {"reply_channel": name}) for name in ("web!a", "web!b")))
    wait_until(lambda: ended == ["web!b"], "the other's disconnect is handled")
    gate.set()
    wait_until(lambda: ended == ["web!b", "web!a"], "and then its own")
