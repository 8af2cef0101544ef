"""
A worker's thread by random schedules, without a thread: full channels, consumers that raise, a layer that fails.

Whatever happens, nothing that it has taken is ever neither handled, nor owed, nor given back.
"""

import itertools
import logging
from collections import Counter, defaultdict, deque

import pytest
from channels import Channel
from channels.asgi import ChannelLayerWrapper
from channels.exceptions import ConsumeLater
from channels.routing import route
from django.db.utils import OperationalError
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from relay import conf, hands
from relay.decorators import batch_consumer
from relay.exceptions import LayerUnavailable
from relay.layers.inmemory import ChannelLayer
from tests.fuzz import EXAMPLES
from tests.waiting import wait_until

#: Methods of the layer that fail as a test wants, before they took effect or after it.
FAILING = ("take", "acknowledge", "give_back", "dead_letter", "send_many", "leave")
CHANNELS = ("work", "lots", "websocket.receive")
#: What a consumer does with a message.
DEEDS = ("nothing", "send", "send", "answer", "raise", "later", "unsendable", "trouble", "exit")


class Schedule(RuleBasedStateMachine):
    @initialize()
    def begin(self):
        self.layer = ChannelLayer(
            capacity=50,
            channel_capacity={"narrow": 2, "web!": 2},
            ordering={channel: "lane" for channel in CHANNELS},
            max_deliveries=3,
            expiry=600,
        )
        self.layer.blpop_timeout = 0
        self.plan = deque()
        self.failed = 0
        for name in FAILING:
            setattr(self.layer, name, self.failing(getattr(self.layer, name)))
        self.numbers = itertools.count(1)
        #: lane → numbers of its messages, in the order in which they were sent.
        self.lanes = defaultdict(list)
        self.handled, self.arrived = Counter(), Counter()
        #: Whether the database is locked.
        self.locked = True
        routes = [route("work", self.consume), route("lots", batch_consumer(self.consume_many))]
        routes.append(route("websocket.receive", self.consume))
        self.hands = hands.Hands(ChannelLayerWrapper(self.layer, "default", routes), CHANNELS)
        self.other = self.layer.readers.new()

    def failing(self, method):
        def call(*args, **kwargs):
            # What the layer calls of its own does not fail by itself.
            plan, self.plan = self.plan, deque()
            outcome = plan.popleft() if plan else "ok"
            try:
                return made(outcome, *args, **kwargs)
            finally:
                self.plan = plan

        def made(outcome, *args, **kwargs):
            if outcome == "ok":
                return method(*args, **kwargs)
            self.failed += 1
            if outcome == "after":
                method(*args, **kwargs)
            raise LayerUnavailable("the layer fails")

        return call

    # What consumers do

    def consume(self, message):
        lane, n = message["lane"], message["n"]
        letters = {letter.content["n"] for letter in self.layer.dead_letters()}
        before = self.lanes[lane][: self.lanes[lane].index(n)]
        assert all(self.handled[other] or other in letters for other in before), "message %d is overtaken" % n
        self.do(message, message["deed"])
        self.handled[n] += 1

    def consume_many(self, messages):
        for message in messages:
            self.consume(message)

    def do(self, message, deed):
        layer = message.channel_layer
        if deed == "send":
            Channel("narrow", channel_layer=layer).send({"n": message["n"]})
        elif deed == "answer":
            Channel("web!a", channel_layer=layer).send({"n": message["n"]})
        elif deed == "unsendable":
            Channel("narrow", channel_layer=layer).send({"n": {1, 2}})
        elif deed == "raise":
            raise ValueError("a consumer fails")
        elif deed == "later":
            raise ConsumeLater
        elif deed == "trouble" and self.locked:
            raise OperationalError("somebody holds a lock") from Locked()
        elif deed == "exit":
            raise SystemExit

    # What may happen

    @rule(
        what=st.lists(st.tuples(st.sampled_from(CHANNELS), st.sampled_from("ab"), st.sampled_from(DEEDS)), max_size=6)
    )
    def send(self, what):
        for channel, lane, deed in what:
            lane = channel + lane
            n = next(self.numbers)
            self.lanes[lane].append(n)
            with self.layer.news:
                self.layer._send([self.layer._outgoing(channel, {"lane": lane, "n": n, "deed": deed})])

    @rule(outcomes=st.lists(st.sampled_from(["ok", "ok", "before", "after"]), min_size=1, max_size=5))
    def the_layer_will_fail(self, outcomes):
        self.plan.extend(outcomes)

    @rule(times=st.integers(1, 4))
    def turn(self, times):
        for _ in range(times):
            self.hands.try_turn(0)

    @rule()
    def let_others(self):
        self.hands.attempt(lambda: self.hands.let_others(0))

    @rule(limit=st.integers(1, 4))
    def make_room(self, limit):
        plan, self.plan = self.plan, deque()
        for channel in ("narrow", "web!"):
            deliveries = self.layer._take(self.other, [channel], limit, False, [])
            self.arrived.update(delivery.content["n"] for delivery in deliveries if channel == "narrow")
            self.layer.acknowledge(deliveries)
        self.plan = plan

    @invariant()
    def whatever_it_has_it_knows(self):
        if not hasattr(self, "hands") or self.hands.leaving:
            return
        scheduler = self.hands.scheduler
        known = [*scheduler.done, *(delivery for run in scheduler.runs for delivery in run.deliveries)]
        places = {(delivery.lease, delivery.place) for delivery in known}
        for lease in self.layer.leases.values():
            if lease.holder is not self.other:
                held = {(lease, place) for place in range(lease.done + 1, lease.size + 1)}
                assert held <= places, "it has what it neither handles, nor owes, nor gives back"

    def teardown(self):
        """All goes well again: then each message is handled, or a dead letter, and what it was to send has arrived."""
        if not hasattr(self, "hands"):
            return
        self.plan.clear()
        self.locked = False
        wait_until(self.is_through, "all is through")
        letters = {letter.content["n"] for letter in self.layer.dead_letters()}
        sent = {n for numbers in self.lanes.values() for n in numbers}
        assert {n for n in sent if not self.handled[n]} <= letters
        if not self.failed:
            twice = {n for n, times in self.arrived.items() if times > 1}
            assert all(self.arrived[n] <= self.handled[n] for n in twice), "nothing is sent more often than handled"
            # Who loses patience with a full channel may have sent the rest: he does all of it once more.
            assert not twice or not self.is_patient(), "nothing is sent twice"
        self.layer.readers.clear()

    def is_patient(self):
        return conf.get("SEND_PATIENCE") >= 30

    def is_through(self):
        self.make_room(4)
        self.hands.try_turn(0)
        self.make_room(4)
        left = any(row.depth or row.in_flight for row in self.layer.status() if row.channel in CHANNELS)
        return not (left or self.hands.late)


class Locked(Exception):
    pgcode = "55P03"


@pytest.fixture
def at_once(monkeypatch):
    """No pauses, and no log."""
    monkeypatch.setattr(conf, "REST", (0, 0))
    monkeypatch.setattr(conf, "RESTS", {})
    for name in ("FIRST_PAUSE", "LONGEST_PAUSE", "RESEND"):
        monkeypatch.setattr(hands, name, 0)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("patience", [0, 0.01, 30])
def test_nothing_that_a_worker_has_is_forgotten(at_once, settings_override, patience):
    settings_override(RELAY_SEND_PATIENCE=patience, RELAY_DATABASE_PATIENCE=600)
    run_state_machine_as_test(
        Schedule,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
