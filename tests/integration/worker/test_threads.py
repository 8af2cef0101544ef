"""Slow consumers, dead threads, and the end of a worker."""

import ctypes
import signal
import threading
import time

import pytest

from relay.exceptions import LayerUnavailable
from tests.waiting import FACTOR, wait_until


def test_others_get_what_waits_behind_a_slow_consumer(office):
    """B16: a worker that took ten messages, and is slow with the first, keeps none of the others."""
    gate, handled = threading.Event(), []

    def consumer(message):
        if message["n"] == 0:
            assert gate.wait(30)
        handled.append(message["n"])

    office.on("work", consumer)
    for n in range(10):
        office.send("work", n=n)
    first = office.hire()
    wait_until(lambda: any(hands.scheduler.running for hands in first.crew), "the first has begun")
    office.hire()
    wait_until(lambda: len(handled) == 9, "the others are handled meanwhile")
    gate.set()
    office.wait_until_empty("work")
    assert sorted(handled) == list(range(10)), "each once"


def test_others_get_what_waits_behind_many_that_are_a_little_slow(office, settings_override):
    """B16: no single one is slow, but what waits behind them waits long."""
    settings_override(RELAY_CONSUMER_PATIENCE=0.2)
    never = threading.Event()
    office.on("work", lambda message: never.wait(0.15))
    for n in range(20):
        office.send("work", n=n)
    first = office.hire()
    wait_until(lambda: any(hands.scheduler.running for hands in first.crew), "the first has begun")
    second = office.hire()
    office.wait_until_empty("work")
    assert second.tally().messages >= 5
    assert first.tally().messages + second.tally().messages == 20


def test_what_is_done_before_a_slow_consumer_is_not_handled_again(open_office):
    """Its process may die in the slow one: the layer knows by then what was done."""
    office = open_office(lease=1)
    gate, handled = threading.Event(), []

    def consumer(message):
        handled.append(message["n"])
        if message["n"] == 3:
            assert gate.wait(30)

    office.on("lanes", consumer)
    for n in range(6):
        office.send("lanes", lane="a", n=n)
    office.hire()
    wait_until(lambda: handled == [0, 1, 2, 3], "it is at the slow one")
    wait_until(lambda: office.row("lanes").in_flight == 3, "the layer knows what is done")
    gate.set()
    office.wait_until_empty("lanes")
    assert handled == [0, 1, 2, 3, 4, 5]


def test_a_lease_is_kept_as_long_as_its_consumer_runs(open_office):
    office = open_office(lease=0.5)
    gate, handled = threading.Event(), []

    def consumer(message):
        handled.append(message["n"])
        assert gate.wait(30)

    office.on("work", consumer)
    office.send("work", n=1)
    office.hire(threads=2)
    wait_until(lambda: handled, "it has begun")
    began = time.monotonic()
    wait_until(lambda: time.monotonic() - began > 2, "four leases are over")
    gate.set()
    office.wait_until_empty("work")
    assert handled == [1]


def test_threads_work_side_by_side(office):
    """`--threads 3`: three consumers at once."""
    together = threading.Barrier(3, timeout=20)
    office.on("work", lambda message: together.wait())
    for n in range(3):
        office.send("work", n=n)
    worker = office.hire(threads=3)
    wait_until(lambda: worker.tally().messages == 3, "all are handled")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_is_replaced_and_what_it_had_is_delivered_again(open_office, caplog):
    """B6"""
    office = open_office(lease=1)
    gate, tried = threading.Event(), []

    def consumer(message):
        tried.append(threading.current_thread())
        while len(tried) == 1 and not gate.is_set():
            time.sleep(0.01)

    office.on("work", consumer)
    worker = office.hire()
    office.send("work", n=1)
    wait_until(lambda: tried, "it has begun")
    (hands,) = worker.crew
    hands.fail = hands.settle = None  # Whatever it does next ends the thread, as a bug in the worker itself would.
    hands.turn = lambda: (_ for _ in ()).throw(SystemExit)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(tried[0].ident), ctypes.py_object(SystemExit))
    wait_until(lambda: len(tried) >= 2, "another thread has it")
    office.wait_until_empty("work")
    assert tried[1] is not tried[0]
    assert "another takes its place" in caplog.text


def test_a_layer_that_fails_ends_no_thread(office, caplog):
    """B5"""
    handled = []
    office.on("work", lambda message: handled.append(message["n"]))
    worker = office.hire()
    (hands,) = wait_until(lambda: list(worker.crew), "it has a thread")
    raw = hands.layer.channel_layer
    failures = iter([LayerUnavailable("gone"), RuntimeError("what?"), OSError("broken")])
    take = raw.take

    def fail_first(*args):
        error = next(failures, None)
        if error is not None:
            raise error
        return take(*args)

    raw.take = fail_first
    office.send("work", n=1)
    wait_until(lambda: handled == [1], "it is handled in the end")
    (thread,) = worker.crew.values()
    assert thread.is_alive()


def test_a_worker_that_stops_finishes_what_it_has_begun_and_gives_back_the_rest(office):
    """B7, B8"""
    begun, gate, handled = threading.Event(), threading.Event(), []

    def consumer(message):
        begun.set()
        assert gate.wait(30)
        handled.append(message["n"])

    office.on("lanes", consumer)
    for n in range(5):
        office.send("lanes", lane="a", n=n)
    worker = office.hire()
    assert begun.wait(20)
    worker.stop()
    wait_until(lambda: all(hands.stopping.is_set() for hands in worker.crew), "it stops")
    gate.set()
    wait_until(lambda: worker.finished is True, "it is gone")
    row = office.row("lanes")
    assert handled == [0]
    assert (row.depth, row.in_flight) == (4, 0)
    office.hire()
    office.wait_until_empty("lanes")
    assert handled == [0, 1, 2, 3, 4]


def test_a_worker_that_stops_keeps_nobody_waiting_for_what_it_has_not_begun(office):
    begun, gate, handled = threading.Event(), threading.Event(), []

    def consumer(message):
        if message["n"] == 0:
            begun.set()
            assert gate.wait(30)
        handled.append(message["n"])

    office.on("work", consumer)
    for n in range(5):
        office.send("work", n=n)
    worker = office.hire(stop_timeout=30)
    assert begun.wait(20)
    wait_until(lambda: worker.name in office.layer.workers(), "it is seen")
    worker.stop()
    office.hire()
    wait_until(lambda: sorted(handled) == [1, 2, 3, 4], "another has them, while the first finishes")
    assert worker.name in office.layer.workers(), "it is still seen"
    gate.set()
    wait_until(lambda: worker.finished is True, "it is gone")


def test_an_idle_worker_stops_at_once(office):
    office.on("work", lambda message: None)
    worker = office.hire()
    wait_until(lambda: worker.crew, "it works")
    began = time.monotonic()
    office.fire(worker)
    assert time.monotonic() - began < 1.5 * FACTOR
    assert worker.finished is True


def test_a_consumer_that_does_not_end_in_time_is_named(office, caplog):
    begun, gate = threading.Event(), threading.Event()

    def consumer(message):
        begun.set()
        gate.wait(30)

    office.on("work", consumer)
    office.send("work", n=1)
    worker = office.hire(stop_timeout=0.3)
    assert begun.wait(20)
    office.fire(worker)
    assert worker.finished is False
    assert "Not finished in 0 s, and delivered again: work for" in caplog.text
    gate.set()


def test_a_worker_is_seen_while_it_lives_and_says_what_it_did(office):
    office.on("work", lambda message: None)
    office.on("other", lambda message: None)
    worker = office.hire(exclude_channels=["oth*"])
    seen = wait_until(office.layer.workers, "it is seen")
    assert seen[worker.name]["channels"] == ["work"]
    for n in range(3):
        office.send("work", n=n)
    wait_until(lambda: office.layer.workers()[worker.name]["handled"] == {"work": 3}, "it says what it did")
    office.fire(worker)
    assert worker.name not in office.layer.workers()


def test_a_worker_listens_only_where_it_is_told_to(office):
    for channel in ("chat-a", "chat-b", "http.request"):
        office.on(channel, lambda message: None)
    worker = office.hire(only_channels=["chat-*"], exclude_channels=["*-b"])
    assert worker.channels == ["chat-a"]


def test_a_worker_wants_a_new_start_after_so_many_messages(office):
    """B23"""
    office.on("work", lambda message: None)
    for n in range(30):
        office.send("work", n=n)
    worker = office.hire(max_messages=10)
    wait_until(lambda: worker.finished is True, "it ends by itself")
    assert worker.wants_restart
    assert 10 <= worker.tally().messages <= 30
    office.hire()
    office.wait_until_empty("work")


def test_a_worker_that_is_told_to_stop_does_not_start_anew(office):
    """B23. The signal comes while it finishes what it was at when it had handled enough."""
    gate = threading.Event()
    office.on("work", lambda message: message["n"] or gate.wait(30))
    office.send("work", n=0)
    worker = office.hire(threads=2, max_messages=1)
    wait_until(lambda: any(hands.scheduler.running for hands in worker.crew), "one is slow")
    office.send("work", n=1)
    wait_until(lambda: worker.wants_restart, "it has had enough")
    worker.sigterm_handler(signal.SIGINT, None)
    gate.set()
    wait_until(lambda: worker.finished is True, "it ends in good order")
    assert not worker.wants_restart


@pytest.mark.parametrize("seconds", [0.05])
def test_a_very_slow_consumer_is_named_in_the_log(office, settings_override, caplog, seconds):
    settings_override(RELAY_SLOW_CONSUMER=seconds)
    gate = threading.Event()
    office.on("work", lambda message: gate.wait(30))
    office.send("work", n=1)
    office.hire()
    wait_until(lambda: "A consumer is slow: work for" in caplog.text, "it is named")
    gate.set()
