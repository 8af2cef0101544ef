"""What every layer of relay's keeps beyond ASGI: leases, lanes, dead letters."""

import threading
import time

import pytest

from relay import traces
from relay.traces import about
from tests.layers import Elsewhere
from tests.waiting import FACTOR, wait_until

ROOMS = {"ordering": {"rooms": "room"}, "capacity": 1000}


@pytest.fixture
def elsewhere():
    worker = Elsewhere()
    yield worker
    worker.end()


def said(deliveries):
    return [delivery.content["n"] for delivery in deliveries]


def say(layer, room, *numbers):
    layer.send_many([("rooms", {"room": room, "n": n}) for n in numbers])


def all_of(layer, channels=("rooms",)):
    """Take and acknowledge until nothing is left."""
    found = []
    while deliveries := layer.take(channels, 10):
        found += said(deliveries)
        layer.acknowledge(deliveries)
    return found


def test_a_taken_message_is_nobody_elses(make_layer, elsewhere):
    layer = make_layer()
    layer.send("c", {"n": 1})
    deliveries = layer.take(["c"])
    assert elsewhere(make_layer().take, ["c"]) == []
    layer.acknowledge(deliveries)
    assert elsewhere(make_layer().take, ["c"]) == []
    assert [(row.depth, row.in_flight) for row in layer.status()] == [(0, 0)]


def test_messages_with_one_ordering_key_are_handled_one_at_a_time_in_their_order(make_layer, elsewhere):
    layer = make_layer(**ROOMS)
    say(layer, "a", 1, 2, 3)
    first = layer.take(["rooms"])
    assert said(first) == [1]
    assert elsewhere(make_layer().take, ["rooms"]) == [], "the lane is in other hands"
    layer.acknowledge(first)
    second = elsewhere(make_layer().take, ["rooms"])
    assert said(second) == [2]
    elsewhere(layer.acknowledge, second)
    assert all_of(layer) == [3]


def test_a_held_lane_holds_up_no_other(make_layer, elsewhere):
    layer = make_layer(**ROOMS)
    say(layer, "slow", 1, 2)
    layer.take(["rooms"])
    say(layer, "quick", 10, 11)
    assert elsewhere(all_of, make_layer()) == [10, 11]


def test_several_messages_of_a_lane_are_taken_at_once_in_their_order(make_layer):
    layer = make_layer(**ROOMS)
    say(layer, "hot", *range(20))
    say(layer, "quiet", 100)
    deliveries = layer.take(["rooms"], 50)
    assert [n for n in said(deliveries) if n < 100] == list(range(20))
    assert 100 in said(deliveries)
    assert len({delivery.content.lane for delivery in deliveries}) == 2


def test_a_lane_runs_through_several_channels(make_layer):
    """What a socket sends is ordered by default: connect, then the frames, then disconnect."""
    layer = make_layer()
    for n, channel in enumerate(
        ("websocket.connect", "websocket.receive", "websocket.receive", "websocket.disconnect")
    ):
        layer.send(channel, {"reply_channel": "web!a", "n": n})
    assert layer.take(["websocket.receive", "websocket.disconnect"]) == [], "the connect comes first"
    assert said(layer.take(["websocket.connect"], 10)) == [0], "and only what was asked for"
    layer.acknowledge(layer.take(["websocket.connect"]))
    channels = ["websocket.connect", "websocket.receive", "websocket.disconnect"]
    assert layer.take(channels) == []


def test_the_next_channel_of_a_lane_is_ready_when_the_first_is_acknowledged(make_layer):
    layer = make_layer()
    layer.send("websocket.connect", {"reply_channel": "web!a", "n": 0})
    layer.send("websocket.receive", {"reply_channel": "web!a", "n": 1})
    layer.acknowledge(layer.take(["websocket.connect"]))
    assert said(layer.take(["websocket.receive"])) == [1]


def test_acknowledging_a_message_acknowledges_those_before_it(make_layer, elsewhere):
    layer = make_layer(**ROOMS)
    say(layer, "a", 1, 2, 3)
    deliveries = layer.take(["rooms"], 10)
    layer.acknowledge([deliveries[1]])
    layer.acknowledge([deliveries[0]])
    assert elsewhere(make_layer().take, ["rooms"]) == [], "the third is still held"
    layer.give_back(deliveries)
    assert elsewhere(all_of, make_layer()) == [3]


def test_what_is_given_back_is_delivered_again_with_its_id(make_layer, elsewhere):
    layer = make_layer(**ROOMS)
    say(layer, "a", 1, 2)
    deliveries = layer.take(["rooms"], 10)
    layer.give_back(deliveries)
    again = elsewhere(make_layer().take, ["rooms"], 10)
    assert said(again) == [1, 2]
    assert [d.content.id for d in again] == [d.content.id for d in deliveries]
    assert [d.content.attempts for d in again] == [1, 1], "nothing failed"


def test_what_a_thread_has_that_takes_leave_is_free_at_once(make_layer, elsewhere):
    layer = make_layer(**ROOMS)
    say(layer, "a", 1, 2)
    say(layer, "b", 1)
    deliveries = layer.take(["rooms"], 10)
    layer.acknowledge([delivery for delivery in deliveries if delivery.lease.lane.endswith("a")][:1])
    layer.leave()
    layer.leave()
    again = elsewhere(make_layer().take, ["rooms"], 10)
    assert sorted(said(again)) == [1, 2]
    assert {d.content.attempts for d in again} == {1}, "nothing failed"
    assert layer.take(["rooms"]) == [], "and it may take again"


def test_what_rests_is_delivered_later_and_its_lane_with_it(make_layer):
    layer = make_layer(**ROOMS)
    say(layer, "a", 1)
    layer.give_back(layer.take(["rooms"]), "the database was away", delay=1 * FACTOR)
    say(layer, "a", 2)
    assert layer.take(["rooms"]) == []
    found = []
    wait_until(lambda: found.extend(layer.take(["rooms"], 10, block=True)) or found, "the lane has rested")
    assert said(found) == [1]
    assert found[0].content.attempts == 2


def test_what_failed_before_is_taken_alone(make_layer):
    """So that a message which kills its worker drags no other down with it."""
    layer = make_layer(**ROOMS)
    say(layer, "a", 1, 2)
    say(layer, "b", 3, 4)
    layer.give_back(layer.take(["rooms"], 10), "it crashed")
    first = layer.take(["rooms"], 10)
    assert len(first) == 1
    layer.acknowledge(first)
    assert len(layer.take(["rooms"], 10)) in (1, 2)


def test_after_so_many_failures_a_message_is_a_dead_letter_and_the_next_is_delivered(make_layer):
    layer = make_layer(max_deliveries=3, **ROOMS)
    say(layer, "a", 1, 2)
    for attempt in range(1, 4):
        deliveries = layer.take(["rooms"])
        assert (said(deliveries), deliveries[0].content.attempts) == ([1], attempt)
        layer.give_back(deliveries, "ZeroDivisionError: division by zero")
    assert all_of(layer) == [2]
    (letter,) = layer.dead_letters()
    assert (letter.channel, letter.attempts, letter.content) == ("rooms", 3, {"room": "a", "n": 1})
    assert letter.reason == "ZeroDivisionError: division by zero"
    assert [row.dead for row in layer.status()] == [1]


def test_a_reason_may_quote_anything(make_layer):
    """A traceback quotes what a client has sent, which may be no text that a server takes."""
    layer = make_layer(max_deliveries=1, **ROOMS)
    say(layer, "a", 1, 2)
    layer.give_back(layer.take(["rooms"]), "ValueError: \0 and \ud800")
    layer.dead_letter(layer.take(["rooms"])[0], "ValueError: \0 and \ud800")
    assert [letter.content["n"] for letter in layer.dead_letters()] == [1, 2]


def test_a_message_that_the_worker_gives_up_is_a_dead_letter_at_once(make_layer):
    layer = make_layer(**ROOMS)
    say(layer, "a", 1, 2, 3)
    deliveries = layer.take(["rooms"], 10)
    layer.dead_letter(deliveries[1], "Traceback…")
    layer.give_back(deliveries)
    assert all_of(layer) == [3]
    assert [(letter.content["n"], letter.reason) for letter in layer.dead_letters()] == [(2, "Traceback…")]


def test_dead_letters_can_be_sent_again_or_forgotten(make_layer):
    layer = make_layer(**ROOMS)
    say(layer, "a", 1, 2)
    for _ in range(2):
        layer.dead_letter(layer.take(["rooms"])[0], "no")
    first, second = layer.dead_letters()
    assert layer.retry_dead([first.id]) == 1
    assert layer.discard_dead([second.id, "unknown"]) == 1
    assert layer.dead_letters() == []
    assert [row.dead for row in layer.status()] == [0]
    again = layer.take(["rooms"])
    assert (said(again), again[0].content.id, again[0].content.lane) == ([1], first.id, "room=a")


def test_renewing_tells_what_is_still_held(make_layer):
    layer = make_layer(**ROOMS)
    say(layer, "a", 1)
    say(layer, "b", 2)
    deliveries = layer.take(["rooms"], 10)
    layer.give_back([deliveries[0]])
    assert layer.renew(deliveries) == [deliveries[1]]


def test_what_comes_too_late_changes_nothing(make_layer, elsewhere):
    """The lease ended, and another worker has the message: neither acknowledgement nor giving back may touch it."""
    layer = make_layer(**ROOMS)
    say(layer, "a", 1)
    late = layer.take(["rooms"])
    layer.give_back(late)
    taken = elsewhere(make_layer().take, ["rooms"])
    layer.acknowledge(late)
    layer.give_back(late, "late")
    layer.dead_letter(late[0], "late")
    assert elsewhere(make_layer().renew, taken) == taken
    assert layer.dead_letters() == []


def test_receive_acknowledges_what_the_same_thread_received_before(make_layer, elsewhere):
    """A stock worker knows nothing else."""
    layer = make_layer(**ROOMS)
    say(layer, "a", 1, 2)
    assert layer.receive(["rooms"]) == ("rooms", {"room": "a", "n": 1})
    assert elsewhere(make_layer().receive, ["rooms"]) == (None, None)
    assert layer.receive(["rooms"]) == ("rooms", {"room": "a", "n": 2})
    assert layer.receive(["rooms"]) == (None, None)
    assert [(row.depth, row.in_flight) for row in layer.status()] == [(0, 0)]


def test_what_stock_daphne_receives_has_no_key_that_it_does_not_know(make_layer):
    """It refuses the whole message."""
    layer = make_layer()
    layer.group_add("g", "web!a")
    with about((("a-trace", 1.0),)):
        layer.send("web!a", {"text": "hi"})
        layer.send_group("g", {"text": "all"})
        layer.send("work", {"n": 1})
    assert [layer.receive(["web!"]) for _ in range(2)] == [("web!a", {"text": text}) for text in ("hi", "all")]
    assert traces.KEY in layer.receive(["work"])[1]


def test_a_message_taken_by_a_thread_that_ended_is_delivered_again(make_layer, elsewhere):
    """B6: a worker's thread died in its consumer, and the process goes on."""
    layer = make_layer(lease=0.5, **ROOMS)
    say(layer, "a", 1, 2)
    assert elsewhere(layer.receive, ["rooms"])[1]["n"] == 1
    elsewhere.end()
    found = []
    wait_until(lambda: found.extend(layer.take(["rooms"], 1, block=True)) or found, "it is delivered again")
    assert said(found) == [1]
    assert found[0].content.attempts == 2


def test_a_lease_lasts_as_long_as_its_thread_lives(make_layer, elsewhere):
    """A consumer may take longer than a lease: the layer renews it."""
    layer = make_layer(lease=0.3, **ROOMS)
    say(layer, "a", 1)
    deliveries = elsewhere(layer.take, ["rooms"])
    threading.Event().wait(1.2)  # Four leases long, nothing may happen: there is no event to wait for.
    assert layer.take(["rooms"]) == []
    assert elsewhere(layer.renew, deliveries) == deliveries


def test_a_reader_that_waits_is_woken_at_once(make_layer, elsewhere):
    """A17, A20: and an idle server among several adds no waiting.

    One that looks now and then may look at the right time after one pause, not after three that are no multiples of
    each other; the best of several tells, as a busy machine makes any of them late.
    """
    layer = make_layer(capacity=1000)
    layer.receive(["c"])
    for pause in (0.02, 0.027, 0.038):
        delays = []
        for n in range(10):
            thread = threading.Thread(target=elsewhere, args=(send_after, layer, pause, n))
            thread.start()
            layer.receive(["c"], block=True)
            came = time.monotonic()
            thread.join()
            delays.append(came - elsewhere.answer)
        assert min(delays) < 0.025


def send_after(layer, pause, n):
    """Returns when it was sent: to send may take as long as to be woken."""
    time.sleep(pause)
    layer.send("c", {"n": n})
    return time.monotonic()


def test_one_message_wakes_a_reader_and_the_next_another(make_layer):
    layer = make_layer(capacity=1000)
    layer.blpop_timeout = 20 * FACTOR
    first, second = Elsewhere(), Elsewhere()
    got = []
    threads = [
        threading.Thread(target=lambda worker=worker: got.append(worker(make_layer().take, ["c"], 1, True)))
        for worker in (first, second)
    ]
    for thread in threads:
        thread.start()
    layer.send_many([("c", {"n": 1}), ("c", {"n": 2})])
    for thread in threads:
        thread.join(30 * FACTOR)
    assert sorted(said(got[0]) + said(got[1])) == [1, 2]
    first.end()
    second.end()


def test_a_full_channel_refuses_and_what_comes_behind_in_the_lane_too(make_layer):
    layer = make_layer(channel_capacity={"rooms": 2}, ordering={"rooms": "room", "others": "room"})
    refused = layer.send_many(
        [*(("rooms", {"room": "a", "n": n}) for n in range(3)), ("others", {"room": "a", "n": 3})]
    )
    assert refused == [2, 3]
    with pytest.raises(layer.ChannelFull, match="rooms"):
        layer.send("rooms", {"room": "a"})
    assert {row.channel: row.full for row in layer.status() if row.full} == {"rooms": 2, "others": 1}


def test_the_capacity_of_process_local_channels_is_found_by_their_pattern(make_layer):
    """A3: the README's patterns never matched."""
    layer = make_layer(channel_capacity={"daphne.response.*": 3})
    assert layer.capacity_of("daphne.response.abc!xyz") == 3


def test_expired_messages_hold_no_capacity(make_layer):
    """A8, A9: late ones would keep a channel full as long as others come."""
    layer = make_layer(expiry=1 * FACTOR, capacity=30)
    layer.send_many([("c", {"n": n}) for n in range(30)])
    assert layer.send_many([("c", {"n": 30})]) == [0]
    wait_until(lambda: layer.send_many([("c", {"n": 31})]) == [], "room is made for what is alive")
    found = all_of(layer, ["c"])
    assert 31 in found
    # Of those that other servers were sent a little later, some may be alive.
    expired = 31 - len(found)
    wait_until(lambda: [row.expired for row in layer.status()] == [expired], "they are counted")
    assert expired > 0


def test_messages_behind_an_expired_one_are_delivered(make_layer):
    layer = make_layer(expiry=0.2, channel_expiry={"durable": None}, ordering={"passing": "k", "durable": "k"})
    layer.send("passing", {"k": 1, "n": 0})
    layer.send("durable", {"k": 1, "n": 1})
    found = []
    wait_until(lambda: found.extend(layer.take(["durable"], 1)) or found, "the first has expired")
    assert said(found) == [1]


def test_durable_messages_do_not_expire(make_layer):
    layer = make_layer(expiry=0.1, channel_expiry={"chat-*": None})
    layer.send("chat-messages", {"n": 1})
    layer.send("other", {"n": 2})
    threading.Event().wait(0.2)  # Twice the expiry: nothing happens that could be waited for.
    assert all_of(layer, ["other", "chat-messages"]) == [1]


def test_received_content_equals_what_was_sent_and_knows_its_id(make_layer):
    layer = make_layer(**ROOMS)
    layer.send("c", {"text": "é", "b": b"\xff\x00", "l": [1, 2.5, None, {"d": True}]})
    _, content = layer.receive(["c"])
    assert content == {"text": "é", "b": b"\xff\x00", "l": [1, 2.5, None, {"d": True}]}
    assert content.id
    assert content.attempts == 1


def test_what_can_not_be_sent_is_refused_with_the_name_of_its_channel(make_layer):
    layer = make_layer(message_size_limit=1000)
    with pytest.raises(layer.MessageTooLarge, match="message for big has 1009 bytes; message_size_limit"):
        layer.send("big", {"text": "x" * 1000})
    with pytest.raises(TypeError, match="message for odd can't be sent"):
        layer.send("odd", {"when": object()})
    with pytest.raises(TypeError, match="must be a dict, and the one for group crowd"):
        layer.send_group("crowd", "text")
    with pytest.raises(layer.MessageTooLarge, match="group crowd"):
        layer.send_group("crowd", {"text": "x" * 1000})
    assert layer.status() == []


def test_a_lane_whose_last_message_died_while_it_rests_is_in_one_hand_at_a_time(make_layer, elsewhere):
    layer = make_layer(max_deliveries=1, **ROOMS)
    say(layer, "a", 1)
    layer.give_back(layer.take(["rooms"]), "no", delay=0.2)
    say(layer, "a", 2)
    taken = []
    wait_until(lambda: taken.extend(layer.take(["rooms"], 1, block=True)) or taken, "the next is delivered")
    threading.Event().wait(0.4)  # The rest is over.
    assert elsewhere(make_layer().take, ["rooms"]) == []
    layer.acknowledge(taken)
    assert [(row.depth, row.in_flight) for row in layer.status()] == [(0, 0)]


def test_what_is_ready_after_an_expired_message_is_not_waited_for(make_layer):
    """The reader asked for both channels, and found the second empty before the lane came to it."""
    layer = make_layer(expiry=0.2, channel_expiry={"b": None}, ordering={"a": "k", "b": "k"})
    layer.blpop_timeout = 20 * FACTOR
    layer.take(["a", "b"])
    layer.send("a", {"k": 1, "n": 0})
    layer.send("b", {"k": 1, "n": 1})
    threading.Event().wait(0.3)  # The first has expired: nothing happens that could be waited for.
    started = time.monotonic()
    assert said(layer.take(["a", "b"], 1, block=True)) == [1]
    assert time.monotonic() - started < 5 * FACTOR


def test_dead_letters_are_those_that_are_still_in_hand(make_layer):
    layer = make_layer(**ROOMS)
    say(layer, "a", 0, 1, 2)
    deliveries = layer.take(["rooms"], 2)
    layer.acknowledge(deliveries[:1])
    layer.dead_letter(deliveries[0], "too late")
    assert layer.dead_letters() == []


def test_to_ask_for_nothing_still_acknowledges(make_layer, elsewhere):
    layer = make_layer(**ROOMS)
    say(layer, "a", 1, 2)
    assert layer.take([], done=layer.take(["rooms"])) == []
    assert said(elsewhere(make_layer().take, ["rooms"])) == [2]


class Workers:
    """Threads that take and handle what is on `rooms`, and note what happens."""

    def __init__(self, make_layer, count):
        self.handled = {}
        self.running = set()
        self.overlaps = []
        self.done = threading.Semaphore(0)
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(make_layer(),)) for _ in range(count)]
        for thread in self.threads:
            thread.start()

    def work(self, layer):
        while not self.stopped.is_set():
            deliveries = layer.take(["rooms"], 16, block=True)
            for delivery in deliveries:
                self.handle(**delivery.content)
            layer.acknowledge(deliveries)

    def handle(self, room, n):
        if room in self.running:
            self.overlaps.append(room)
        self.running.add(room)
        time.sleep(0)  # Others get their chance to disturb.
        self.handled.setdefault(room, []).append(n)
        self.running.discard(room)
        self.done.release()

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join(20)


def test_many_lanes_on_many_threads_never_overlap_or_change_their_order(make_layer):
    """200 lanes of 20 messages, four workers."""
    layer = make_layer(capacity=10_000, ordering={"rooms": "room"})
    workers = Workers(make_layer, 4)
    for n in range(20):
        assert layer.send_many([("rooms", {"room": str(room), "n": n}) for room in range(200)]) == []
    for _ in range(4000):
        assert workers.done.acquire(timeout=30)
    workers.stop()
    assert workers.overlaps == []
    assert workers.handled == {str(room): list(range(20)) for room in range(200)}
