"""The verdict of a soak must be able to be bad."""

import gc
import os
import socket
import time
from collections import Counter
from types import SimpleNamespace
from typing import NamedTuple

import psutil
import pytest

from bench.soak import logs
from bench.soak.people import People
from bench.soak.verdict import Verdict, canary_metrics
from bench.soak.watch import Sample, Watch, files_of
from chatapp.canary.conversation import Conversation
from chatapp.canary.witness import Witness
from tests.waiting import wait_until

LINE = "2026-11-26 10:00:00,000 %-7s %s: %s\n"
LOG = (
    LINE % ("INFO", "relay.worker", "Worker a-1 listens")
    + '127.0.0.1:1 - - [26/Nov/2026:10:00:00] "WSCONNECT /chat/a/" - -\n'
    + LINE % ("ERROR", "relay.hands", "A message failed (try 1 of 10). Its id is 17-2ab")
    + "Traceback (most recent call last):\n  File\ndjango.db.utils.OperationalError: it is away\nDETAIL: for a while\n"
    + LINE % ("WARNING", "relay.hands", "3 messages wait")
    + LINE % ("ERROR", "chatapp.canary.canary", "A promise is broken: number 5 lost")
    + '127.0.0.1:1 - - [26/Nov/2026:10:00:01] "WSDISCONNECT /chat/a/" - -\n'
    + "Traceback (most recent call last):\n  File\nZeroDivisionError: division by zero\n"
)


def test_errors_are_told_from_those_of_the_troubles(tmp_path):
    (tmp_path / "worker-1.log").write_text(LOG)
    expected, unexpected, warnings = logs.read(tmp_path, ["postgres-kill"])
    failed = "relay.hands | A message failed (try N of N). Its id is N | django.db.utils.OperationalError"
    assert expected == {failed: 1}
    assert set(unexpected) == {
        "chatapp.canary.canary | A promise is broken: number N lost",
        "Traceback (most recent call last): | ZeroDivisionError",
    }
    assert warnings == {"relay.hands | N messages wait": 1}
    expected, unexpected, _ = logs.read(tmp_path, ["worker-kill"])
    assert expected == {}
    assert failed in unexpected, "nobody touched the database"


def test_no_trouble_explains_a_deadlock(tmp_path):
    (tmp_path / "worker-1.log").write_text(LOG.replace("it is away", "deadlock detected"))
    expected, unexpected, _ = logs.read(tmp_path, ["postgres-kill"])
    assert expected == {}
    assert "relay.hands | A message failed (try N of N). Its id is N | django.db.utils.OperationalError" in unexpected


@pytest.fixture
def verdict(tmp_path):
    people = SimpleNamespace(persons=[], tally=Counter, listener=SimpleNamespace(tally=Counter(heard=1)))
    return Verdict(SimpleNamespace(ports=[]), people, Watch(None, 1), SimpleNamespace(), tmp_path)


class Someone(NamedTuple):
    room: str
    conversation: Conversation


def person(*heard):
    conversation = Conversation()
    conversation.witness = Witness(0)
    for seq, client_id in heard:
        conversation.witness.hear(seq, ("guest:1", client_id))
    return Someone("a", conversation)


GOOD = [(1, "guest:1", "x"), (2, "guest:2", "y")]


@pytest.mark.parametrize(
    ("rows", "bad"),
    [
        (GOOD, []),
        (GOOD[:1], ["What was acknowledged is stored"]),
        ([*GOOD, (3, "guest:3", "y")], ["Once", "Under the number that was acknowledged"]),
        ([GOOD[1], (1, "guest:1", "x"), (4, "guest:1", "z")], ["Rooms are numbered without holes"]),
        ([(2, "guest:1", "x"), (1, "guest:2", "y")], ["Under the number that was acknowledged"]),
    ],
)
def test_what_is_stored_is_compared_with_what_was_acknowledged(verdict, monkeypatch, rows, bad):
    monkeypatch.setattr("bench.soak.verdict.left_behind", list)
    verdict.stored({person(): {"x": 1}, person(): {"y": 2}}, {"a": rows})
    assert [finding.what for finding in verdict.findings if not finding.ok] == bad
    assert verdict.is_clean == (not bad)


def test_what_anybody_heard_wrong_is_found(verdict):
    one = person((1, "x"), (3, "z"), (2, "y"))
    verdict.people.tally = lambda: one.conversation.witness.tally
    verdict.heard()
    assert [finding.what for finding in verdict.findings if not finding.ok] == ["Nothing is inverted for anybody"]


def test_without_a_finding_nothing_is_clean(verdict):
    assert not verdict.is_clean


@pytest.mark.parametrize(("a_minute", "flat"), [(0.0, True), (0.05, True), (1.0, False)])
def test_memory_that_grows_is_found(verdict, a_minute, flat):
    watch, began = verdict.watch, time.monotonic()
    watch.began = began
    for second in range(0, 3600, 10):
        value = (80 + a_minute * second / 60 + second % 7 / 7) * 2**20
        watch.samples.append(Sample(began + second, "web-1", 1, began, "RSS", value))
        # One that was killed tells nothing.
        watch.samples.append(
            Sample(began + second, "web-2", 2 + second // 600, began + second // 600 * 600, "RSS", value)
        )
    (trend,) = watch.trends()
    assert (trend.name, trend.is_flat) == ("web-1", flat)
    assert trend.growth / 2**20 == pytest.approx(a_minute * 30, abs=0.5)
    verdict.flatness()
    assert verdict.is_clean == flat


def test_a_short_soak_says_nothing_of_memory(verdict):
    began = verdict.watch.began = time.monotonic()
    verdict.watch.samples = [Sample(began + n, "web-1", 1, began, "RSS", n * 2**30) for n in range(120)]
    assert verdict.watch.trends() == []


def test_the_counts_of_canaries_are_read_where_they_are_told():
    text = '# TYPE chat_canary_lost counter\nchat_canary_lost_total{process="%s"} 2.0\n'
    assert canary_metrics(text % "a" + text.partition("\n")[2] % "b" + "other_total 3.0\n") == {
        "chat_canary_lost_total": 4.0
    }
    assert canary_metrics("<html>Not found</html>") == {}


def test_files_are_counted_without_clients():
    """They go from one interface server to the other, as those are killed."""
    gc.collect()  # What other tests have left open would be closed in the middle.
    own = psutil.Process()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        before = files_of(own)
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                assert files_of(own) == before + 1, "the client's own end"
        with open(os.devnull):
            assert files_of(own) == before + 1


def test_who_talks_is_silent_when_told_so():
    """Whatever is said later would not be looked at."""
    people = People([1], ["a"], 1, 1000.0, str)
    people.start()
    wait_until(lambda: people.said > 10, "they talk")
    people.talking = False
    assert people.silent.wait(20)
    said = people.said
    time.sleep(0.05)
    assert people.said == said
    people.leave()
    assert not people.is_alive()
