"""
The whole contract of a layer, by random schedules against a model (`tests.layer_model`).

Every call to a server may fail before it took effect, or after it, or arrive late: when it was given up, and others
have been made since. Readers die, and stand still for longer than their leases.

`TESTS_FUZZ=10000` tries that many schedules of each layer.
"""

import functools
import itertools
import logging
import os
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from relay.exceptions import LayerUnavailable
from relay.layers import remote as remotes
from tests.failing_layers import CAPACITY, EXPIRY, LIMIT, World
from tests.layer_model import Actor, Model, Said, State
from tests.layers import KINDS

SCHEDULES = int(os.environ.get("TESTS_FUZZ", "60"))
STEPS = 40

CHANNELS = ("rooms", "passing", "plain")

ROOMS, GROUPS = st.sampled_from("abc"), st.sampled_from(["one", "two"])
SOCKETS = st.sampled_from(["edge!1", "edge!2", "edge!3"])
ACTORS, LEASES = st.integers(0, 3), st.integers(0, 11)
#: Seconds for which a send is tried again: it is given up at once, or tried until it is made.
PATIENCE = st.sampled_from([0, 5])
OUTCOMES = st.sampled_from(["ok", "before", "after", "late"])


def safely(rule):
    """
    Keep what goes wrong for the end of the schedule. It may depend on the time, and hypothesis, which repeats the first
    steps of schedules, would only say that they did not go on in the same way.
    """

    @functools.wraps(rule)
    def inner(self, **kwargs):
        try:
            if self.failure is None:
                rule(self, **kwargs)
        except Exception as e:
            self.failure = e

    return inner


class Schedule(RuleBasedStateMachine):
    """What may happen to a layer, in any order."""

    world: World

    @initialize()
    def begin(self):
        #: What went wrong first.
        self.failure = None
        self.world.begin()
        self.model = Model(LIMIT)
        self.numbers = itertools.count(1)
        self.faults = self.world.faults
        self.layers = [self.world.layer(), self.world.layer()]
        #: Of an interface process, which lives on.
        self.edge = self.world.layer()
        self.edge_reader, self.edge_heard = None, []
        self.actors = [Actor(process) for process in (0, 0, 1, 1)]
        self.ghosts = []
        self.model.actors = list(self.actors)
        for remote in getattr(self.layers[0], "remotes", ()):
            self.layers[0]._beat(remote)
        self.sweep_all(0)

    # How things are done

    def act(self, number, name, *args, **kwargs):
        """Have a reader do something; returns what came of it, and whether all went well."""
        actor = self.actors[number]
        layer = self.layers[actor.process]
        layer.readers.local.reader = actor.reader
        before = self.faults.happened
        try:
            answer = getattr(layer, name)(*args, **kwargs)
        finally:
            actor.reader = layer.readers.local.reader
            went_well = self.faults.happened == before
            if not went_well:
                self.model.trouble.add(actor.process)
        return answer, went_well and actor.process not in self.model.trouble

    def attempt(self, process, patience, name, *args):
        """Have a process send; returns what the layer returns, or False if it gave up."""
        layer = self.layers[process]
        layer.patience = patience
        try:
            return getattr(layer, name)(*args)
        except LayerUnavailable:
            self.model.trouble.add(process)
            return False
        finally:
            layer.patience = 0

    @contextmanager
    def arriving(self, arrival):
        """What tells the model when a call that is made now arrives late."""
        self.faults.arrival = arrival
        yield
        self.faults.arrival = None

    def sweep_all(self, process):
        layer = self.layers[process]
        before = self.faults.happened
        if self.world.kind == "memory":
            with layer.news:
                layer._sweep()
        else:
            for one in layer.remotes:
                try:
                    one.catch_up()
                    layer._clean_up(one, 0)
                except LayerUnavailable:
                    self.model.trouble.add(process)
        return self.faults.happened == before

    # What may happen

    @rule(outcomes=st.lists(OUTCOMES, min_size=1, max_size=4))
    @safely
    def calls_will_fail(self, outcomes):
        if self.world.kind != "memory":
            self.faults.plan.extend(one for one in outcomes if one != "late" or self.world.kind != "sqlite")

    @rule()
    @safely
    def calls_go_well_again(self):
        self.faults.plan.clear()

    @rule(which=LEASES)
    @safely
    def a_late_call_arrives(self, which):
        """Calls on different connections arrive in any order."""
        if not self.faults.late:
            return
        make, arrival = self.faults.late.pop(which % len(self.faults.late))
        if arrival is not None:
            arrival()
        for ghost in self.ghosts:
            self.model.suspect(ghost)
        try:
            make()
        except redis.exceptions.NoScriptError:
            assert "redis" in self.world.kind, "only Redis forgets what it was to do"

    @rule(
        process=st.integers(0, 1),
        what=st.lists(st.tuples(st.sampled_from(CHANNELS), ROOMS), min_size=1, max_size=5),
        patience=PATIENCE,
    )
    @safely
    def send(self, process, what, patience):
        began = time.monotonic()
        messages, said = [], []
        for channel, room in what:
            n = next(self.numbers)
            messages.append((channel, {"room": room, "n": n}))
            lane = "plain-%d" % n if channel == "plain" else room
            expiry = EXPIRY if channel == "passing" else None
            said.append(Said(n, channel, lane, expiry, began, began))
        numbers = [one.n for one in said]
        with self.arriving(lambda: self.model.arrived_late(numbers)):
            refused = self.attempt(process, patience, "send_many", messages)
        for one in said:
            one.until = time.monotonic()
        if refused is False:
            self.model.sent(said, certain=False)
            return
        self.model.sent([one for place, one in enumerate(said) if place not in refused], certain=True)
        first = {}
        for place in refused:
            first.setdefault(said[place].lane, place)
        for place in first.values():
            shards = 3 if self.world.kind == "three-redis" and said[place].channel == "plain" else 1
            self.model.refused(said[place].channel, CAPACITY // shards)
        behind = [place for place, one in enumerate(said) if place > first.get(one.lane, place)]
        assert set(behind) <= set(refused), "what comes behind a refused message of its lane is refused, too"

    @rule(
        number=ACTORS,
        channels=st.sampled_from([CHANNELS, CHANNELS[:2], CHANNELS[:1], CHANNELS[1:]]),
        limit=st.integers(1, 8),
        shares=st.lists(st.integers(0, 8), max_size=3),
    )
    @safely
    def take(self, number, channels, limit, shares):
        actor = self.actors[number]
        done = [(lease, min(share, len(lease.messages))) for lease, share in zip(actor.open, shares, strict=False)]
        done = [(lease, upto) for lease, upto in done if upto > lease.done]
        began, happened = time.monotonic(), self.faults.happened
        deliveries, well = self.act(
            number, "take", list(channels), limit, False, [lease.deliveries[upto - 1] for lease, upto in done]
        )
        # Of several servers only those are asked that are needed.
        answered = self.faults.happened == happened
        actor.blind = not answered or (actor.blind and self.world.kind == "three-redis")
        actor.was_blind |= actor.blind
        for lease, upto in done:
            self.model.acknowledged(lease, upto, well and self.world.kind != "three-redis")
        if actor.presumed_dead:
            # Whoever asks lives.
            actor.presumed_dead = False
        self.model.taken(actor, deliveries, limit, began)

    def lease(self, which):
        """One that some reader has or had, and the number of that reader; something is taken if there is none."""
        if not any(actor.leases for actor in self.actors):
            self.take(number=which % 4, channels=CHANNELS, limit=8, shares=[])
        leases = [(number, lease) for number, actor in enumerate(self.actors) for lease in actor.leases]
        return leases[which % len(leases)] if leases else (0, None)

    @rule(which=LEASES, share=st.integers(1, 8))
    @safely
    def acknowledge(self, which, share):
        number, lease = self.lease(which)
        if lease is not None:
            upto = min(share, len(lease.messages))
            _, well = self.act(number, "acknowledge", [lease.deliveries[upto - 1]])
            self.model.acknowledged(lease, upto, well)

    @rule(which=LEASES, reason=st.sampled_from(["", "it failed"]), delay=st.sampled_from([0, 0, 0.01]))
    @safely
    def give_back(self, which, reason, delay):
        number, lease = self.lease(which)
        if lease is not None:
            _, well = self.act(number, "give_back", lease.deliveries[:1], reason, delay)
            self.model.ended(lease, bool(reason), well)

    @rule(which=LEASES, place=st.integers(0, 7))
    @safely
    def dead_letter(self, which, place):
        number, lease = self.lease(which)
        if lease is not None and lease.is_open:
            place = lease.done + place % len(lease.left)
            message, state = lease.messages[place], lease.state
            _, well = self.act(number, "dead_letter", lease.deliveries[place], "no")
            self.model.acknowledged(lease, place + 1, well)
            if well and state is State.LIVE:
                message.buried = True

    @rule(number=ACTORS)
    @safely
    def renew(self, number):
        leases = self.actors[number].leases
        if leases and not self.faults.plan:
            held, well = self.act(number, "renew", [lease.deliveries[0] for lease in leases])
            still = {delivery.lease for delivery in held}
            for lease in leases:
                if well and lease.state is State.LIVE and lease.left:
                    assert lease.deliveries[0].lease in still
                if lease.state is State.ENDED:
                    assert not well or lease.deliveries[0].lease not in still
            if self.actors[number].presumed_dead:
                self.actors[number].presumed_dead = False

    @rule(number=ACTORS)
    @safely
    def leave(self, number):
        actor = self.actors[number]
        reader = actor.reader
        _, well = self.act(number, "leave")
        self.model.left(actor, well)
        # A take that was given up may come late: then the server takes the dead reader for a new one, for a lease.
        self.ghosts.append(replace(actor, leases=[], reader=reader, blind=actor.was_blind))
        actor.leases, actor.reader = [], None
        actor.doubtful = actor.presumed_dead = actor.blind = actor.was_blind = False

    @rule(number=ACTORS)
    @safely
    def stand_still(self, number):
        """For longer than a lease: whoever cleans up next takes it for dead."""
        actor = self.actors[number]
        if self.world.kind != "memory" and actor.reader is not None:
            self.world.end_life([actor])
            self.model.doubt(actor, presumed_dead=True)

    @rule(process=st.integers(0, 1))
    @safely
    def crash(self, process):
        gone = self.model.crashed(process)
        self.ghosts += gone
        if self.world.kind == "memory":
            self.world.end_life(gone)
        else:
            self.layers[process] = self.world.layer()
        fresh = [Actor(process), Actor(process)]
        self.actors[2 * process : 2 * process + 2] = fresh
        self.model.actors += fresh

    @rule(process=st.integers(0, 1))
    @safely
    def clean_up(self, process):
        self.world.end_life(self.ghosts)
        for ghost in self.ghosts:
            ghost.presumed_dead = True
        if self.sweep_all(process):
            self.model.swept()

    @rule(process=st.integers(0, 1), group=GROUPS, socket=SOCKETS, member=st.booleans(), patience=PATIENCE)
    @safely
    def join_or_quit(self, process, group, socket, member, patience):
        with self.arriving(lambda: self.model.groups.arrived_late(group, socket, member)):
            done = self.attempt(process, patience, "group_add" if member else "group_discard", group, socket)
        self.model.groups.changed(group, socket, member, done is not False)

    @rule(process=st.integers(0, 1), group=GROUPS, patience=PATIENCE)
    @safely
    def broadcast(self, process, group, patience):
        n = next(self.numbers)
        with self.arriving(lambda: self.model.groups.sent_late(n, group)):
            done = self.attempt(process, patience, "send_group", group, {"n": n})
        self.model.groups.sent(n, group, done is not False)

    @rule(limit=st.integers(1, 5))
    @safely
    def hear(self, limit):
        """The interface process takes what it is sent."""
        self.edge.readers.local.reader = self.edge_reader
        deliveries = self.edge.take(["edge!"], limit, False, self.edge_heard)
        self.edge_reader = self.edge.readers.local.reader
        for delivery in deliveries:
            self.model.groups.heard(delivery.content["n"], set(delivery.channels))
        self.edge_heard = deliveries

    @rule()
    @safely
    def let_time_pass(self):
        if self.model.passing():
            time.sleep(EXPIRY + 0.01)

    # At the end

    def teardown(self):
        if not hasattr(self, "model"):
            return
        try:
            if self.failure is None:
                self.nothing_is_lost()
        except AssertionError as e:
            self.failure = self.failure or e
        finally:
            self.world.end()
        if self.failure is not None:
            raise self.failure

    def nothing_is_lost(self):
        """All goes well again, everyone leaves, the dead are buried: then whatever is due is there, and no more."""
        self.faults.plan.clear()
        while self.faults.late:
            self.a_late_call_arrives(which=0)
        for number in range(4):
            self.leave(number=number)
        for process in (0, 1):
            self.clean_up(process=process)
        time.sleep(0.015)  # What rests has rested.
        self.sweep_all(0)
        reader = Actor(0)
        self.model.actors.append(reader)
        self.actors = [reader]
        found = []
        while True:
            began = time.monotonic()
            deliveries, _ = self.act(0, "take", list(CHANNELS), 7)
            if not deliveries:
                break
            self.model.taken(reader, deliveries, 7, began)
            found += [delivery.content["n"] for delivery in deliveries]
            self.act(0, "acknowledge", deliveries)
            for lease in reader.open:
                self.model.acknowledged(lease, len(lease.messages), True)
        assert self.model.due() == [], "what is due is handed out: %s" % self.world.dump()
        for _ in range(STEPS + 1):
            self.hear(limit=5)
        assert self.model.groups.due() == [], "what is broadcast is heard"
        layer = self.layers[0]
        letters = {letter.content["n"] for letter in layer.dead_letters()}
        assert {one.n for one in self.model.by_n.values() if one.buried} <= letters
        time.sleep(EXPIRY if self.model.passing() else 0)
        self.sweep_all(0)
        left = {row.channel: (row.depth, row.in_flight) for row in layer.status() if row.depth or row.in_flight}
        assert left == {}, "nothing is counted that is not there"
        assert sum(row.dead for row in layer.status()) == len(letters)


@pytest.fixture
def no_pauses(monkeypatch):
    for name in ("FIRST_PAUSE", "LONGEST_PAUSE"):
        monkeypatch.setattr(remotes, name, 0)


@pytest.mark.timeout(0)
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_fails_nothing_is_lost_doubled_or_overtaken(kind, request, no_pauses):
    """L1"""
    request.addfinalizer(lambda: logging.disable(logging.NOTSET))
    logging.disable(logging.CRITICAL)
    run_state_machine_as_test(
        type("Schedule", (Schedule,), {"world": World(kind, request)}),
        settings=settings(
            max_examples=SCHEDULES,
            stateful_step_count=STEPS,
            deadline=None,
            database=None,
            # In CI always the same: a change is refused for what it does, and not for what was thought of that day.
            derandomize=bool(os.environ.get("CI")) and "TESTS_FUZZ" not in os.environ,
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
            phases=[Phase.generate, Phase.shrink] if "TESTS_SHRINK" in os.environ else [Phase.generate],
        ),
    )


@pytest.mark.parametrize("kind", KINDS)
def test_what_two_failed_takes_had_to_acknowledge_is_acknowledged_once(kind, request, no_pauses):
    """L1: of one lease, each with more of it than the one before."""
    world = World(kind, request)
    world.begin()
    layer = world.layer()
    layer.send_many([("rooms", {"room": "a", "n": n}) for n in (1, 2, 3)])
    first, second, _ = layer.take(["rooms"], 3)
    world.faults.plan.extend([] if kind == "memory" else ["before", "before"])
    layer.take(["rooms"], 1, done=[first])
    layer.take(["rooms"], 1, done=[second])
    layer.take(["rooms"], 1)
    assert [(row.depth, row.in_flight) for row in layer.status()] == [(0, 1)]
    layer.leave()
    assert [delivery.content["n"] for delivery in layer.take(["rooms"], 3)] == [3]
    world.end()


@pytest.mark.parametrize("kind", KINDS)
def test_a_send_whose_answer_was_lost_is_not_made_twice(kind, request, no_pauses):
    """L1"""
    world = World(kind, request)
    world.begin()
    layer = world.layer()
    layer.patience = 5
    world.faults.plan.extend([] if kind == "memory" else ["after", "after"])
    layer.send("rooms", {"room": "a", "n": 1})
    assert len(layer.take(["rooms"], 3)) == 1
    world.end()
