import itertools
import re
from typing import NamedTuple


class Line(NamedTuple):
    what: str
    began: float
    ended: float
    worker: int


def read(text):
    found = re.fullmatch(r"(.+): from (-?[\d.]+) to ([\d.]+) s, in worker (\d+)", text)
    return Line(found[1], float(found[2]), float(found[3]), int(found[4]))


def lines_until(tab, what):
    tab.hear(lambda text: read(text).what == what)
    return [read(text) for text in tab.seen]


def test_connect_and_receive_of_one_socket_never_overlap(server):
    """The client may talk before `connect` is through, and sends faster than its messages are handled."""
    with server.tab("/linearize/") as tab:
        for _ in range(8):
            tab.say("more")
        lines = lines_until(tab, "receive 8")
    assert [line.what for line in lines] == ["connect", *("receive %d" % number for number in range(1, 9))]
    for one, other in itertools.pairwise(lines):
        # A millisecond, for what was rounded.
        assert one.ended <= other.began + 0.001


def test_another_socket_is_not_held_up(server):
    with server.tab("/linearize/") as busy, server.tab("/linearize/") as quick:
        for _ in range(10):
            busy.say("more")
        quick.say("only this")
        lines_until(quick, "receive 1")
        assert lines_until(busy, "receive 10")
        spent = max(read(text).ended for text in busy.seen)
        assert max(read(text).ended for text in quick.seen) < spent
