"""
linearize within one process, on layers without order: it takes turns. tests/integration/test_linearize.py has it over
Redis and several processes, and on layers that keep the order themselves.
"""

import threading

import pytest
from channels import Channel
from channels.message import Message, pending_message_store
from channels.routing import route

from relay.decorators import linearize
from relay.dispatch import dispatch
from tests.asgiref1 import StockLayer
from tests.waiting import wait_until


class Handler:
    """A consumer that notes when it starts and ends, and that a test can hold up."""

    def __init__(self):
        self.events = []
        self.gates = {}

    def __call__(self, message):
        name = message["name"]
        self.events.append("start " + name)
        if name in self.gates:
            assert self.gates[name].wait(20)
        self.events.append("end " + name)


def start(layer, name, socket="a", order=None):
    content = {"reply_channel": "test.reply!" + socket, "name": name}
    if order is not None:
        content["order"] = order
    thread = threading.Thread(target=dispatch, args=(layer, "work", content))
    thread.start()
    return thread


@pytest.fixture
def layer(layer):
    """The default channel layer, over asgiref's own layer in memory."""
    layer.channel_layer = StockLayer(capacity=1000)
    return layer


@pytest.fixture
def handler(layer):
    handler = Handler()
    layer.router.add_route(route("work", linearize(lambda message: handler(message))))
    return handler


def test_two_messages_of_a_socket_never_overlap(layer, handler):
    handler.gates["first"] = threading.Event()
    first = start(layer, "first")
    wait_until(lambda: handler.events, "the first starts")
    second = start(layer, "second")
    second.join(20)
    assert handler.events == ["start first"], "the second waits, and its worker does not"
    handler.gates["first"].set()
    first.join(20)
    assert handler.events == ["start first", "end first", "start second", "end second"]


def test_other_sockets_are_not_held_up(layer, handler):
    handler.gates["first"] = threading.Event()
    first = start(layer, "first")
    wait_until(lambda: handler.events, "the first starts")
    start(layer, "waits", socket="a").join(20)
    start(layer, "other", socket="b").join(20)
    assert handler.events == ["start first", "start other", "end other"]
    handler.gates["first"].set()
    first.join(20)


def test_those_who_wait_keep_their_order_and_none_is_dropped(layer, handler):
    """B9: Channels would put each back ten times, and then drop it."""
    handler.gates["0"] = threading.Event()
    first = start(layer, "0", order=0)
    wait_until(lambda: handler.events, "the first starts")
    for order in [3, 1, 20, 2, *range(4, 20)]:
        start(layer, str(order), order=order).join(20)
    handler.gates["0"].set()
    first.join(20)
    assert [event for event in handler.events if event.startswith("start")] == ["start %d" % n for n in range(21)]


def test_one_that_raises_lets_the_next_go_on(layer, handler):
    raised = []

    def consumer(message):
        if message["name"] == "bad":
            raised.append(message["name"])
            raise RuntimeError("no")
        handler(message)

    layer.router.root.routing[:] = [route("work", linearize(consumer))]
    start(layer, "bad").join(20)
    start(layer, "good").join(20)
    assert (raised, handler.events) == (["bad"], ["start good", "end good"])


def handle_with_two_waiting(layer, started, gate):
    """Have 0 handled, which says when it has `started` and waits at the `gate`; meanwhile 1 and 2 join the line."""
    first = start(layer, "0", order=0)
    started.wait(20)
    for order in (1, 2):
        start(layer, str(order), order=order).join(20)
    gate.set()
    first.join(20)


def test_each_message_that_waited_sends_what_it_sends(layer):
    """The sends of a consumer wait until it ends; those of each in the line must all go out, once."""
    started, gate = threading.Event(), threading.Event()

    def consumer(message):
        Channel("out").send({"name": message["name"]})
        if message["name"] == "0":
            started.set()
            assert gate.wait(20)

    layer.router.add_route(route("work", linearize(consumer)))
    handle_with_two_waiting(layer, started, gate)
    sent = [layer.receive(["out"])[1] for _ in range(4)]
    assert [content and content["name"] for content in sent] == ["0", "1", "2", None]


def test_sends_that_fail_cost_no_waiting_message_and_are_not_repeated(layer, monkeypatch, caplog):
    """A full channel: what the first wanted to send is dropped and logged; those who waited are handled."""
    monkeypatch.setattr(pending_message_store, "retry_time", 0.1)
    started, gate, handled = threading.Event(), threading.Event(), []

    def consumer(message):
        handled.append(message["name"])
        if message["name"] == "0":
            Channel("free").send({"n": 1})
            Channel("full").send({"n": 2})
            started.set()
            assert gate.wait(20)

    layer.router.add_route(route("work", linearize(consumer)))
    layer.channel_layer.capacity = 1
    layer.send("full", {"n": 0})
    handle_with_two_waiting(layer, started, gate)
    start(layer, "later", order=3).join(20)
    assert handled == ["0", "1", "2", "later"]
    assert layer.receive(["free"])[1] == {"n": 1}
    assert layer.receive(["free"]) == (None, None)
    assert "1 messages are dropped: full stayed full" in caplog.text


def test_a_linearized_consumer_may_call_another(layer):
    inner = linearize(lambda message: "inner")
    outer = linearize(lambda message: inner(message))
    message = Message({"reply_channel": "test.reply!x"}, "work", layer)
    assert outer(message) == "inner"


def test_a_message_without_a_reply_channel_is_refused_by_name(layer):
    with pytest.raises(ValueError, match="this message on work has none"):
        linearize(lambda message: None)(Message({}, "work", layer))
