"""`receive_twisted`, in a process with a reactor of its own, as stock Daphne uses it."""

import json

import pytest

from tests.layers import SHARED, Meeting

PROGRAM = """
import threading, time
from twisted.internet import defer, reactor

got, turns = [], []

@defer.inlineCallbacks
def read():
    while reactor.running:
        channel, content = yield layer.receive_twisted(["web!"])
        if channel is not None:
            got.append([channel, content["n"], time.time() - content["at"]])
        if len(got) == 310:
            reactor.stop()

def tick():
    turns.append(len(got))
    reactor.callLater(0, tick)

def send():
    for socket in "ab":
        layer.group_add("g", "web!" + socket)
    for n in range(10):
        time.sleep(0.1)
        layer.send("web!a", {"n": n, "at": time.time()})
    reactor.callFromThread(tick)
    layer.send_to_groups([("g", {"n": n, "at": 0}) for n in range(10, 160)])

reactor.callWhenRunning(read)
reactor.callWhenRunning(lambda: threading.Thread(target=send, daemon=True).start())
started = time.time()
reactor.run()
print(json.dumps({"got": got, "turns": len(set(turns)), "seconds": time.time() - started}))
"""


@pytest.mark.parametrize("kind", ["memory", *SHARED])
def test_a_reactor_gets_messages_at_once_and_its_turn_and_stops_when_it_is_told(kind, request):
    """A19, A20: asgi_redis makes a connection for each message there, or has Daphne look every 50 ms."""
    program = Meeting(kind, request).program(PROGRAM, capacity=1000)
    printed, _ = program.communicate(timeout=60)
    assert program.returncode == 0
    report = json.loads(printed)
    assert [(channel, n) for channel, n, _ in report["got"][:10]] == [("web!a", n) for n in range(10)]
    for socket in ("web!a", "web!b"):
        assert [n for channel, n, _ in report["got"][10:] if channel == socket] == list(range(10, 160))
    assert min(delay for _, _, delay in report["got"][:10]) < 0.04, "Daphne would pause for 50 ms"
    assert report["turns"] > 2, "the reactor got its turns between them"
    assert report["seconds"] < 10
