"""Workers as real processes, under load, and killed. They are Channels' own, which know nothing of leases."""

import os
import random
import signal

import pytest

from tests.layers import stop
from tests.nursery import Nursery
from tests.waiting import FACTOR, wait_until

KILLS = int(os.environ.get("TESTS_KILLS", "40"))


@pytest.fixture
def nursery(meeting, redis_url):
    made = []

    def make(**options):
        seconds = options.pop("seconds", 0)
        made.append(Nursery(meeting, redis_url, options, seconds))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture
def layer(meeting):
    return meeting.make(ordering={"work": "lane"}, capacity=100_000)


def check(events, killed):
    """In each lane one message at a time, in order; a second begin only after the first's process was killed."""
    begun, done = {}, {}
    for kind, lane, number, pid in events:
        if kind == "begin":
            assert begun.get(lane) is None or begun[lane] in killed, "two at once in lane %s" % lane
            begun[lane] = pid
            # What was handled and not yet acknowledged when its worker died comes again, and only that.
            assert number in (done.get(lane, -1) + 1, done.get(lane, -1)), "lane %s" % lane
        else:
            assert begun[lane] == pid
            begun[lane] = None
            done[lane] = number
    return done


@pytest.mark.timeout(240 * FACTOR)
def test_workers_killed_in_mid_consumer_lose_nothing_and_disturb_no_order(nursery, layer, meeting):
    """A4, J4: TESTS_KILLS of them; on databases half as many."""
    kills = KILLS if meeting.kind == "redis" else KILLS // 2
    workers = nursery(seconds=0.01, lease=1.0 * FACTOR, ordering={"work": "lane"}, max_deliveries=20)
    for _ in range(4):
        workers.spawn()
    sent, killed = dict.fromkeys(map(str, range(40)), 0), set()
    seen = 0
    while len(killed) < kills:
        for lane in random.sample(sorted(sent), 10):
            layer.send("work", {"lane": lane, "n": sent[lane]})
            sent[lane] += 1
        events = workers.events(seen)
        seen += len(events)
        # In the middle of a message, as far as can be told.
        busy = {pid: kind for kind, _, _, pid in events}
        victims = [pid for pid, kind in busy.items() if kind == "begin" and pid in workers.pids]
        if victims:
            pid = random.choice(victims)
            workers.kill(pid)
            killed.add(pid)
            workers.spawn()
    rows = {}

    def all_is_handled():
        rows.update({row.channel: row for row in layer.status()})
        return (rows["work"].depth, rows["work"].in_flight) == (0, 0)

    wait_until(all_is_handled, "all is handled", 90)
    done = check(workers.events(), killed)
    assert done == {lane: count - 1 for lane, count in sent.items() if count}
    assert rows["work"].dead == 0
    interrupted = {(lane, n, pid) for kind, lane, n, pid in workers.events() if kind == "begin"} - {
        (lane, n, pid) for kind, lane, n, pid in workers.events() if kind == "end"
    }
    assert len(interrupted) > kills / 2, "most were killed in the middle of a message"


@pytest.mark.timeout(240 * FACTOR)
def test_two_hundred_lanes_keep_their_order_on_four_workers_and_a_sleeping_one_holds_up_none(nursery, layer, meeting):
    # In a database each takes some milliseconds.
    count = 50 if meeting.kind == "redis" else 10
    workers = nursery(ordering={"work": "lane"})
    layer.send("work", {"lane": "asleep", "n": 0, "seconds": 3600})
    for _ in range(4):
        workers.spawn()
    wait_until(lambda: workers.events(), "one sleeps")
    layer.send("work", {"lane": "asleep", "n": 1})
    for n in range(count):
        assert layer.send_many([("work", {"lane": str(lane), "n": n}) for lane in range(200)]) == []
    wait_until(lambda: len(workers.events()) == 1 + 2 * 200 * count, "all but one lane is handled", 120)
    done = check(workers.events(), set())
    assert done == {str(lane): count - 1 for lane in range(200)}


def test_a_worker_that_only_stands_still_loses_its_lease_and_can_not_acknowledge(nursery, layer):
    """A process that is stopped, and goes on later, finds that its message has gone to another."""
    workers = nursery(lease=0.6, seconds=0.2, ordering={"work": "lane"})
    pid = workers.spawn()
    layer.send("work", {"lane": "a", "n": 0})
    wait_until(lambda: workers.events(), "it begins")
    stop(pid, layer)
    workers.spawn()
    wait_until(lambda: ("end", "a", 0) in [event[:3] for event in workers.events()], "another handles it")
    layer.send("work", {"lane": "a", "n": 1})
    os.kill(pid, signal.SIGCONT)
    wait_until(lambda: ("end", "a", 1) in [event[:3] for event in workers.events()], "the lane goes on")
    wait_until(lambda: [(row.depth, row.in_flight) for row in layer.status()] == [(0, 0)], "nothing is left")
