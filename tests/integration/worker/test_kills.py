"""Workers that are asked to stop, and workers that are killed, over and over: real processes."""

import os
import random
from collections import Counter

import pytest

from tests.nursery import Nursery
from tests.waiting import FACTOR, wait_until

#: How often workers are stopped; the issue that asked for it says a thousand.
STOPS = int(os.environ.get("TESTS_STOPS", "80"))
LANES = 12

pytestmark = pytest.mark.timeout((120 + STOPS) * FACTOR)


@pytest.fixture
def options():
    return {"ordering": {"work": "lane"}, "capacity": 100_000, "expiry": 600, "lease": 2 * FACTOR}


@pytest.fixture
def nursery(meeting, redis_url, options):
    nursery = Nursery(meeting, redis_url, options, worker="relay")
    yield nursery
    nursery.stop()


def say(layer, start, count):
    layer.send_many([("work", {"lane": str(n % LANES), "n": n}) for n in range(start, start + count)])


def test_workers_that_are_asked_to_stop_lose_nothing_and_handle_nothing_twice(nursery, meeting, options):
    """B7, B8"""
    # Nobody is killed: whoever is held up is not to count as dead.
    options["lease"] = 60
    layer = meeting.make(**options)
    sent = 0
    for _ in range(3):
        nursery.spawn()
    for _ in range(STOPS):
        say(layer, sent, 40)
        sent += 40
        seen = nursery.client.llen(nursery.log)
        wait_until(lambda seen=seen: nursery.client.llen(nursery.log) > seen, "someone works")
        nursery.ask_to_stop(random.choice(nursery.pids))
        nursery.spawn()
    wait_until(lambda: nursery.client.llen(nursery.log) >= 2 * sent, "all is handled", 60)
    events = nursery.events()
    assert Counter(n for kind, _, n, _ in events if kind == "begin") == Counter(range(sent))
    assert Counter(n for kind, _, n, _ in events if kind == "end") == Counter(range(sent))
    for lane in range(LANES):
        order = [(n, kind) for kind, name, n, _ in events if name == str(lane)]
        assert order == sorted(order), "each after the one before it"
    layer.close()


def test_workers_that_are_killed_lose_nothing_and_keep_each_lane_in_order(nursery, meeting, options):
    """A4, B6: at least once; what was begun by one who was killed is begun again, before what comes after it."""
    layer = meeting.make(**options)
    sent = 0
    for _ in range(3):
        nursery.spawn()
    for _ in range(6):
        say(layer, sent, 200)
        sent += 200
        seen = nursery.client.llen(nursery.log)
        wait_until(lambda seen=seen: nursery.client.llen(nursery.log) > seen + 20, "someone works")
        nursery.kill(random.choice(nursery.pids))
        nursery.spawn()

    def handled():
        return {n for kind, _, n, _ in nursery.events() if kind == "end"}

    wait_until(lambda: len(handled()) == sent, "all is handled", 60)
    for lane in range(LANES):
        begun = [n for kind, name, n, _ in nursery.events() if kind == "begin" and name == str(lane)]
        firsts = list(dict.fromkeys(begun))
        assert firsts == sorted(firsts)
    layer.close()
