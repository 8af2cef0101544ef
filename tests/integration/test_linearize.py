"""
linearize over Redis: between layers as two workers have them, and with a worker that is killed; on asgi_redis's layer,
where it takes turns, and on relay's, where there is nothing left to do.
"""

import json
import signal
import subprocess
import sys
import threading

import msgpack
import pytest
import redis
from asgi_redis import RedisChannelLayer as StockLayer
from channels.asgi import ChannelLayerWrapper
from channels.routing import route

from relay.decorators import linearize
from relay.dispatch import dispatch
from relay.turns import RedisTurns
from tests.databases import ROOT
from tests.layers import Elsewhere
from tests.waiting import FACTOR, wait_until


@pytest.fixture
def make_worker(redis_url, redis_prefix, settings_override, monkeypatch):
    settings_override(RELAY_TURN_LEASE=0.6 * FACTOR)
    # asgi_redis's own class; only its reading is mended, which fails with a current msgpack (A6).
    monkeypatch.setattr(StockLayer, "deserialize", lambda self, packed: msgpack.unpackb(packed, raw=False))

    def make(consumer):
        """A layer of its own, as another process has it, and a function that handles a message on it."""
        layer = StockLayer(hosts=[redis_url], prefix=redis_prefix)
        wrapper = ChannelLayerWrapper(layer, "default", [route("work", linearize(consumer))])

        def handle(name, order, socket="a"):
            content = {"reply_channel": "test.reply!" + socket, "order": order, "name": name}
            thread = threading.Thread(target=dispatch, args=(wrapper, "work", content))
            thread.start()
            return thread

        return handle

    return make


class Handler:
    def __init__(self):
        self.events = []
        self.gate = threading.Event()

    def __call__(self, message):
        self.events.append("start " + message["name"])
        if message["order"] == 0:
            assert self.gate.wait(20)
        self.events.append("end " + message["name"])


def test_two_workers_never_handle_one_socket_at_once_and_keep_its_order(make_worker):
    handler = Handler()
    first, second = make_worker(handler), make_worker(handler)
    holder = first("0", 0)
    wait_until(lambda: handler.events, "the first starts")
    for order in (3, 1, 2):
        second(str(order), order).join(20)
    second("other socket", 1, socket="b").join(20)
    assert handler.events == ["start 0", "start other socket", "end other socket"]
    handler.gate.set()
    holder.join(20)
    assert handler.events[3:] == ["end 0", "start 1", "end 1", "start 2", "end 2", "start 3", "end 3"]


def test_a_long_consumer_keeps_its_turn(make_worker):
    """It takes several leases; they are renewed while it runs."""
    handler = Handler()
    first, second = make_worker(handler), make_worker(handler)
    holder = first("0", 0)
    wait_until(lambda: handler.events, "the first starts")
    second("1", 1).join(20)
    threading.Event().wait(2 * FACTOR)  # Three leases long, nothing may happen: there is no event to wait for.
    assert handler.events == ["start 0"]
    handler.gate.set()
    holder.join(20)
    wait_until(lambda: handler.events[-1] == "end 1", "the second is handled")


def test_many_frames_on_four_workers_are_all_handled_one_at_a_time(make_worker):
    running, overlaps, handled = set(), [], []

    def consumer(message):
        if running:
            overlaps.append(message["order"])
        running.add(message["order"])
        handled.append(message["order"])
        running.discard(message["order"])

    workers = [make_worker(consumer) for _ in range(4)]
    threads = [workers[order % 4](str(order), order) for order in range(200)]
    for thread in threads:
        thread.join(60)
    wait_until(lambda: len(handled) == 200, "all are handled")
    assert overlaps == []
    assert sorted(handled) == list(range(200))


HOLDER = """
import json, sys, time
import project, django
django.setup()
from channels.asgi import ChannelLayerWrapper
from channels.routing import route
from relay.decorators import linearize
from relay.dispatch import dispatch
from asgi_redis import RedisChannelLayer

def consumer(message):
    print("started", flush=True)
    time.sleep(3600)

options = json.loads(sys.argv[1])
layer = ChannelLayerWrapper(RedisChannelLayer(**options), "default", [route("work", linearize(consumer))])
dispatch(layer, "work", {"reply_channel": "test.reply!a", "order": 0, "name": "killed"})
"""


def test_the_turn_of_a_killed_worker_ends_by_itself(make_worker, redis_url, redis_prefix):
    """And those who waited for it are handled, in order, though no further frame comes."""
    options = json.dumps({"hosts": [redis_url], "prefix": redis_prefix})
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, options], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "started\n"
    handler = Handler()
    worker = make_worker(handler)
    for order in (2, 1):
        worker(str(order), order).join(20)
    assert handler.events == []
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    wait_until(lambda: len(handler.events) == 4, "the line goes on without its holder", 30)
    assert handler.events == ["start 1", "end 1", "start 2", "end 2"]


def test_a_line_that_could_not_be_read_goes_on_when_its_turn_has_ended(make_worker, monkeypatch):
    """One answer of Redis is lost while the line is handled; the turn must not be renewed for ever."""
    handler = Handler()
    worker = make_worker(handler)
    holder = worker("0", 0)
    wait_until(lambda: handler.events, "the first starts")
    for order in (1, 2):
        worker(str(order), order).join(20)
    fails = [True]
    call = RedisTurns.call

    def lose_one_answer(self, script, *args):
        if script == "turn_next" and fails:
            fails.pop()
            raise redis.TimeoutError
        return call(self, script, *args)

    monkeypatch.setattr(RedisTurns, "call", lose_one_answer)
    handler.gate.set()
    holder.join(20)
    wait_until(lambda: "end 2" in handler.events, "the line goes on")
    assert handler.events == ["start 0", "end 0", "start 1", "end 1", "start 2", "end 2"]


@pytest.fixture
def workers(make_layer):
    """Two workers of a layer that keeps order itself; each handles what it receives with the consumer it is given."""

    def make(consumer):
        def worker():
            layer = ChannelLayerWrapper(make_layer(), "default", [route(name, linearize(consumer)) for name in ROUTES])
            thread = Elsewhere()
            return lambda: thread(handle_next, layer)

        make_layer(capacity=1000)
        return worker(), worker()

    return make


ROUTES = ("websocket.connect", "websocket.receive", "websocket.disconnect", "custom")


def handle_next(layer):
    channel, content = layer.receive(list(ROUTES))
    if channel is not None:
        dispatch(layer, channel, content)
    return channel


def test_where_the_layer_keeps_order_linearize_asks_nothing(workers, make_layer, monkeypatch):
    monkeypatch.setattr(RedisTurns, "call", lambda *args: pytest.fail("a turn was taken"))
    handled = []
    first, second = workers(lambda message: handled.append(message["n"]))
    for n, channel in enumerate(("websocket.connect", "websocket.receive", "websocket.receive")):
        make_layer().send(channel, {"reply_channel": "web!a", "n": n})
    assert first() == "websocket.connect"
    assert second() is None, "the first has not acknowledged"
    assert first() == "websocket.receive"
    assert first() == "websocket.receive"
    assert handled == [0, 1, 2]


def test_a_message_that_its_layer_does_not_order_is_put_in_its_lane(workers, make_layer):
    """It takes one more hop, and then the place behind what its socket sent before."""
    handled = []
    first, second = workers(lambda message: handled.append((message.channel.name, message.content.id)))
    layer = make_layer()
    layer.send("custom", {"reply_channel": "web!a"})
    layer.send("websocket.receive", {"reply_channel": "web!a"})
    while first():
        pass
    assert sorted(channel for channel, _ in handled) == ["custom", "websocket.receive"]
    assert len({message_id for _, message_id in handled}) == 2
    assert [row.depth for row in layer.status()] == [0, 0]
    assert second() is None
