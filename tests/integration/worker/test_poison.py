"""Poison of every kind, then one good message on the same channel (J1)."""

import datetime
import itertools
import sys
import threading
import time

import pytest
from channels import Channel, Group
from channels.exceptions import ConsumeLater, DenyConnection, WebsocketCloseException

from relay.decorators import batch_consumer
from tests.waiting import wait_until


def bad_group(message):
    Group("no group of that name").send({})


def bad_channel(message):
    Channel("no channel of that name").send({})


def a_datetime(message):
    message.reply_channel.send({"now": datetime.datetime(2026, 1, 1)})


def too_large(message):
    message.reply_channel.send({"text": "x" * 9_000_000})


def full(message):
    message.channel_layer.send("full", {})
    message.channel_layer.send("full", {})


def deny(message):
    raise DenyConnection


def bad_close(message):
    raise WebsocketCloseException(2000)


def no_socket_to_close(message):
    message.reply_channel = None
    raise WebsocketCloseException(4000)


def ends_the_process(message):
    sys.exit(3)


def later(message):
    raise ConsumeLater


def raises(message):
    return 1 / 0


POISONS = [
    bad_group,
    bad_channel,
    a_datetime,
    too_large,
    full,
    deny,
    bad_close,
    no_socket_to_close,
    ends_the_process,
    later,
    raises,
]


@pytest.mark.parametrize("poison", POISONS, ids=lambda poison: poison.__name__)
@pytest.mark.parametrize("batched", [False, True], ids=["single", "batch"])
def test_after_poison_the_next_message_is_served_by_the_same_thread(open_office, poison, batched):
    """B1, B2, B3, B4, B9: nothing that a consumer does ends a worker."""
    office = open_office(max_deliveries=2, channel_capacity={"full": 1})
    served = []

    def consumer(message):
        served.append(threading.current_thread())
        if message.get("poisoned"):
            poison(message)

    def consumer_of_many(messages):
        for message in messages:
            consumer(message)

    office.on("work", batch_consumer(consumer_of_many) if batched else consumer)
    worker = office.hire()
    office.send("work", poisoned=True, reply_channel="daphne.response.x!y")
    wait_until(lambda: served, "the poison is handled")
    office.send("work", reply_channel="daphne.response.x!y")
    wait_until(lambda: worker.tally().messages >= 1, "the good one is handled")
    office.wait_until_empty("work")
    assert len(set(served)) == 1
    assert worker.tally().handled["work"] >= 1


@pytest.mark.parametrize(
    "content", [{"path": 5}, {"path": None}, {"reply_channel": 7}, {"reply_channel": "no name"}], ids=repr
)
def test_a_message_that_cannot_be_routed_is_a_dead_letter(open_office, content):
    """B4: Channels' worker dies of it."""
    office = open_office(max_deliveries=2)
    served = []
    office.on("work", lambda message: served.append(message["path"]), path=r"^/good")
    office.hire()
    office.send("work", **content)
    office.send("work", path="/good")
    wait_until(lambda: office.layer.dead_letters(), "it is given up")
    office.wait_until_empty("work")
    assert served == ["/good"]


def test_bytes_that_are_no_message_are_a_dead_letter_and_the_next_is_served(open_office):
    """A7"""
    office = open_office()
    served = []
    office.on("work", lambda message: served.append(message["n"]))
    office.layer._encode = lambda message: b"\xc1"
    office.send("work", n=1)
    del office.layer._encode
    office.send("work", n=2)
    office.hire()
    wait_until(lambda: served == [2], "the good one is handled")
    assert [letter.content for letter in office.layer.dead_letters()] == [None]


def test_what_fails_is_tried_again_and_in_the_end_kept_with_its_traceback(open_office, caplog):
    office = open_office(max_deliveries=3)
    tried = []

    def consumer(message):
        tried.append((message.content.attempts, time.monotonic()))
        raise KeyError("a good reason")

    office.on("work", consumer)
    office.hire()
    office.send("work", n=1)
    (letter,) = wait_until(office.layer.dead_letters, "it is given up")
    assert [attempt for attempt, _ in tried] == [1, 2, 3]
    assert tried[1][1] - tried[0][1] > 0.05
    assert tried[2][1] - tried[1][1] > 0.1, "each rest is longer"
    assert "Traceback" in letter.reason
    assert "a good reason" in letter.reason
    assert letter.content == {"n": 1}
    wait_until(lambda: "it is a dead letter: manage.py deadletters show %s" % letter.id in caplog.text, "it is logged")
    office.layer.retry_dead([letter.id])
    wait_until(lambda: len(tried) == 6, "it is tried again when it is asked for")


def test_a_channel_may_have_longer_rests_between_its_tries(open_office, settings_override):
    """For what depends on others: a mail server that is away."""
    settings_override(RELAY_RESTS={"mail": (0.6, 0.7)})
    office = open_office(max_deliveries=3)
    tried = []

    def consumer(message):
        tried.append(time.monotonic())
        raise ConnectionError("no mail server")

    office.on("mail", consumer)
    office.hire()
    office.send("mail", n=1)
    wait_until(office.layer.dead_letters, "it is given up")
    assert [later - before > 0.5 for before, later in itertools.pairwise(tried)] == [True, True]


def test_an_async_consumer_is_an_error_that_says_so(open_office):
    """S2: with the wrong kind of consumer nothing arrives, and no error says so."""
    office = open_office(max_deliveries=1)

    async def consumer(message):
        raise AssertionError("it never runs")

    office.on("work", consumer)
    office.hire()
    office.send("work", n=1)
    (letter,) = wait_until(office.layer.dead_letters, "it is given up")
    assert "is an async function" in letter.reason


def test_what_comes_behind_a_message_that_fails_waits_for_it(open_office):
    """A lane's order holds through failures; other lanes go on."""
    office = open_office(max_deliveries=10)
    order = []

    def consumer(message):
        if message["n"] == 1 and message.content.attempts < 3 and message["lane"] == "a":
            raise RuntimeError("not yet")
        order.append((message["lane"], message["n"]))

    office.on("lanes", consumer)
    for n in range(4):
        for lane in "ab":
            office.send("lanes", lane=lane, n=n)
    office.hire(threads=2)
    office.wait_until_empty("lanes")
    assert [n for lane, n in order if lane == "a"] == [0, 1, 2, 3]
    assert [n for lane, n in order if lane == "b"] == [0, 1, 2, 3]


def test_a_bad_message_of_a_batch_takes_no_other_with_it(open_office):
    office = open_office(max_deliveries=2)
    sizes, handled = [], []

    @batch_consumer
    def consumer(messages):
        sizes.append(len(messages))
        for message in messages:
            Channel("out").send({"n": message["n"]})
        if any(message["n"] == 3 for message in messages):
            raise RuntimeError("three")
        handled.extend(message["n"] for message in messages)

    office.on("work", consumer)
    for n in range(6):
        office.send("work", n=n)
    office.hire()
    wait_until(office.layer.dead_letters, "the bad one is given up")
    office.wait_until_empty("work")
    assert sorted(handled) == [0, 1, 2, 4, 5]
    assert [letter.content["n"] for letter in office.layer.dead_letters()] == [3]
    assert max(sizes) > 1


def test_a_failing_connect_is_refused_at_once_and_not_tried_again(open_office):
    """B10"""
    office = open_office()
    tried = []

    def consumer(message):
        tried.append(1)
        message.reply_channel.send({"text": "a greeting"})
        raise RuntimeError("no")

    office.on("websocket.connect", consumer)
    office.hire()
    office.send("websocket.connect", reply_channel="daphne.response.x!y", path="/")
    office.wait_until_empty("websocket.connect")
    channel, content = office.layer.receive(["daphne.response.x!"], block=True)
    assert (channel, content) == ("daphne.response.x!y", {"close": True})
    assert len(tried) == 1


@pytest.mark.parametrize(("code", "sent"), [(4000, 4000), (1000, 1000), (None, True), (2000, 1011), (2.5, 1011)])
def test_a_consumer_may_close_its_socket_by_raising(open_office, code, sent):
    """B2: Channels' own dies of it. B3: what is no code for an application is 1011."""
    office = open_office()

    def consumer(message):
        error = WebsocketCloseException()
        error._code = code
        raise error

    office.on("websocket.receive", consumer)
    office.hire()
    office.send("websocket.receive", reply_channel="daphne.response.x!y", text="hi")
    office.wait_until_empty("websocket.receive")
    assert office.layer.receive(["daphne.response.x!"], block=True)[1] == {"close": sent}
