"""The canary at an interface server whose chat is doctored: it must tell what is wrong, or it is good for nothing."""

import json
import threading
import time

import pytest
from prometheus_client import REGISTRY

from chatapp.canary import canary, conversation
from chatapp.canary.canary import Canary
from tests.waiting import wait_until


class Chat:
    """A chat in memory, as the canary's server tells it; `faults` says what goes wrong with which number."""

    def __init__(self, server):
        self.server, self.rows, self.faults, self.held, self.closed = server, [], {}, [], set()
        self.queries = []
        server.app.on["websocket.connect"] = self.welcome
        server.app.on["websocket.receive"] = self.receive

    def send(self, channel, frame, **more):
        self.server.layer.send(channel, {"text": json.dumps(frame), **more})

    def welcome(self, message):
        self.queries.append(message["query_string"].decode())
        frame = {"type": "welcome", "sender": "canary:a", "head": len(self.rows)}
        self.send(message["reply_channel"], frame, accept=True)
        if "since=" in self.queries[-1]:
            self.page(message["reply_channel"], int(self.queries[-1].partition("since=")[2]))

    def page(self, channel, since):
        rows = [row for row in self.rows if row["seq"] > since and self.faults.get(row["seq"]) != "lost"]
        self.send(channel, {"type": "history", "since": since, "messages": rows, "complete": True})

    def receive(self, message):
        frame, channel = json.loads(message["text"]), message["reply_channel"]
        if channel in self.closed:
            return  # It comes again, on the next connection.
        if frame.get("type") == "history":
            self.page(channel, frame["since"])
            return
        self.store(channel, frame)

    def store(self, channel, frame):
        known = [row for row in self.rows if row["client_id"] == frame["client_id"]]
        seq = len(self.rows) + 1
        fault = self.faults.get(seq)
        if known and fault != "doubled":
            return
        row = {**frame, "type": "message", "sender": "canary:a", "seq": seq}
        self.rows.append(row)
        if fault == "unanswered":
            return
        if fault == "inverted":
            self.held.append(row)
        elif fault not in ("missed", "lost"):
            for each in [row, *self.held]:
                self.send(channel, each)
            self.held.clear()
        if self.faults.get(seq + 1) == "doubled":
            self.store(channel, frame)
        if fault == "closed":
            self.closed.add(channel)
        self.send(channel, {"type": "ack", "client_id": frame["client_id"], "seq": seq}, close=fault == "closed")


@pytest.fixture
def chat(serve):
    return Chat(serve())


@pytest.fixture
def start(chat, monkeypatch):
    """A function that starts the canary, which makes haste."""
    monkeypatch.setattr(canary, "LOOK", 0.02)
    monkeypatch.setattr(canary, "REST", 0.05)
    monkeypatch.setattr(conversation, "GRACE", 0.1)
    monkeypatch.setattr(conversation, "PATIENCE", 0.5)
    stopping, threads = threading.Event(), []

    def begin(**faults):
        chat.faults = {seq: what for what, numbers in faults.items() for seq in numbers}
        one = Canary("ws://127.0.0.1:%d" % chat.server.port, stopping, 0.05)
        threads.append(threading.Thread(target=one.run, daemon=True))
        threads[-1].start()
        return one

    yield begin
    stopping.set()
    for thread in threads:
        thread.join(20)


def value(name):
    return REGISTRY.get_sample_value("chat_canary_" + name) or 0.0


class Since:
    """What the metrics have counted since it was made."""

    NAMES = ("sent", "acknowledged", "heard", "repeated", "missed", "mended", "lost", "doubled", "inverted")

    def __init__(self):
        self.before = {name: value(name + "_total") for name in self.NAMES}

    def __getitem__(self, name):
        return value(name + "_total") - self.before[name]

    @property
    def broken(self):
        return {name: self[name] for name in ("lost", "doubled", "inverted") if self[name]}


def test_where_all_is_well_it_counts_what_it_hears_and_how_long_that_took(chat, start):
    since, before = Since(), value("seconds_count")
    one = start()
    wait_until(lambda: since["acknowledged"] >= 5, "it talks")
    assert since["heard"] >= 5
    assert (since["missed"], since.broken) == (0, {})
    assert value("seconds_count") - before >= 5
    assert value("connected") == 1
    assert value("unanswered") == 0
    assert all(abs(float(row["message"]) - time.time()) < 60 for row in chat.rows)
    one.stopping.set()
    wait_until(lambda: value("connected") == 0, "it is gone")
    assert since["sent"] >= since["heard"] == one.total["heard"]


def test_a_proxy_that_the_environment_names_for_the_world_is_not_asked(start, monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "ws_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    since = Since()
    start()
    wait_until(lambda: since["acknowledged"] >= 1, "it talks")


@pytest.mark.parametrize(
    ("fault", "numbers", "broken"),
    [
        ("missed", [3], {}),
        ("lost", [3, 4], {"lost": 2}),
        ("doubled", [3], {"doubled": 1}),
        ("inverted", [3], {"inverted": 1}),
    ],
)
def test_it_tells_what_is_wrong(start, caplog, fault, numbers, broken):
    since = Since()
    start(**{fault: numbers})
    wait_until(lambda: since["heard"] >= 12 and since.broken == broken, "it has heard enough")
    assert since["missed"] == (0 if fault == "doubled" else len(numbers))
    assert since["mended"] == (1 if fault == "missed" else 0)
    assert ("A promise is broken" in caplog.text) == bool(broken)
    if broken:
        assert "number %d %s" % (numbers[0], fault) in caplog.text


def test_what_is_not_acknowledged_for_long_is_told(start, monkeypatch):
    monkeypatch.setattr(canary, "LATE", 0.3)
    monkeypatch.setattr(canary, "MANY", 4)
    since = Since()
    start(unanswered=range(4, 1000))
    wait_until(lambda: value("unanswered") == 4 and since["acknowledged"] == 3, "it is told")
    assert since["sent"] == 7, "it says no more and more"


def test_it_comes_back_and_misses_nothing(chat, start):
    since = Since()
    start(closed=[3, 6])
    wait_until(lambda: since["heard"] >= 10, "it is back")
    first, *later = [query.partition("since=")[2] for query in chat.queries[:3]]
    assert first == ""
    # A canary that is sending when its connection closes may not have read the last message.
    assert later[0] in ("2", "3")
    assert later[1] in ("5", "6")
    assert since.broken == {}


def test_after_a_long_time_away_it_begins_anew(chat, start, monkeypatch):
    """What it has not heard may have been swept away, which is no loss."""
    monkeypatch.setattr(canary, "FORGET", -1.0)
    start(closed=[3])
    wait_until(lambda: len(chat.queries) > 1, "it is back")
    assert "since=" not in chat.queries[1]


#: Whether there is somebody to welcome a canary that comes with its server.
welcomed = threading.Event()


def late_canary(url, stopping):
    assert welcomed.wait(60)
    canary.run(url, stopping)


def test_its_counts_are_in_the_log_when_it_ends(serve, settings_override, caplog):
    caplog.set_level("INFO", "chatapp.canary")
    settings_override(RELAY_COMPANIONS=[__name__ + ".late_canary"], CHAT_CANARY_INTERVAL=0.05)
    server = serve()
    chat = Chat(server)
    welcomed.set()
    wait_until(lambda: len(chat.rows) > 3, "it talks", 40)
    server.stop()
    wait_until(lambda: " ends: " in caplog.text, "it ends with its server")
    assert "0 lost, 0 doubled, 0 inverted" in caplog.text


def test_without_an_interval_there_is_none(serve, settings_override):
    settings_override(RELAY_COMPANIONS=["chatapp.canary.canary.run"], CHAT_CANARY_INTERVAL=0)
    server = serve()
    (thread,) = wait_until(lambda: server.server.companions.threads, "it was asked")
    thread.join(20)
    assert not thread.is_alive()
    assert server.protocols() == []
