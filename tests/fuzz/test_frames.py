"""
Whatever frames a client sends, whole or in parts, in whatever pieces: the application hears of the messages before the
first that breaks a rule, each once and in order, and the client hears the code that says what was wrong.
"""

import itertools
import logging

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from relay.layers.inmemory import ChannelLayer
from tests.integration.interface.test_rfc6455 import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Peer, close, sent
from tests.interface import InterfaceServer, handshake
from tests.waiting import wait_until

TOO_LARGE = 1024 * 1024 + 1
MASKS = st.binary(min_size=4, max_size=4)
SHORT = st.binary(max_size=125)
#: Around the places where the length is written otherwise.
SIZES = st.sampled_from([0, 1, 2, 124, 125, 126, 127, 65535, 65536, 70000])
TEXTS = st.text(max_size=40) | SIZES.map(lambda size: "é" * (size // 2))
DATA = st.binary(max_size=40) | SIZES.map(bytes)
CONTROLS = st.lists(st.tuples(st.sampled_from([PING, PING, PONG]), SHORT), max_size=2)


@st.composite
def messages(draw):
    """A message in one frame or in several, with pings between them: the bytes, what is heard of it, and the pongs."""
    text = draw(TEXTS) if draw(st.booleans()) else None
    payload = draw(DATA) if text is None else text.encode()
    cuts = sorted(draw(st.lists(st.integers(0, len(payload)), max_size=3)))
    edges = [0, *cuts, len(payload)]
    pieces = [payload[begin:end] for begin, end in itertools.pairwise(edges)]
    data, pongs = b"", []
    for number, piece in enumerate(pieces):
        opcode = CONTINUATION if number else BINARY if text is None else TEXT
        data += sent(piece, opcode, fin=number == len(pieces) - 1, mask=draw(MASKS))
        for kind, said in draw(CONTROLS):
            data += sent(said, kind, mask=draw(MASKS))
            pongs += [said] if kind == PING else []
    return data, payload if text is None else text, pongs


#: A message of which the last part is missing: nothing is heard of it.
UNFINISHED = sent(b"begun", TEXT, fin=False) + sent(b"", CONTINUATION, fin=False)
NO_UTF8 = st.sampled_from(
    [b"\xff", b"\xc0\x80", b"a\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xce", b"\xf0\x9f\x98", b"\x80a"]
)
#: What breaks a rule anywhere, and the code that says so.
WRONG = st.one_of(
    st.builds(sent, SHORT, st.sampled_from([TEXT, BINARY, PING, CLOSE]), rsv=st.sampled_from([1, 2, 4, 7])),
    st.builds(sent, SHORT, st.sampled_from([3, 4, 5, 6, 7, 11, 12, 13, 14, 15])),
    st.builds(sent, SHORT, st.sampled_from([PING, PONG, CLOSE]), fin=st.just(False)),
    st.builds(sent, st.binary(min_size=126, max_size=300), st.sampled_from([PING, PONG, CLOSE])),
    st.builds(sent, SHORT, st.sampled_from([TEXT, BINARY, PING]), mask=st.just(b"")),
    st.builds(sent, SHORT, st.sampled_from([BINARY, TEXT]), size=st.sampled_from([2, 8])),
    st.builds(close, st.integers(0, 999) | st.sampled_from([1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535])),
    st.just(sent(b"a", CLOSE)),
).map(lambda data: (data, 1002))
WRONG |= st.builds(close, st.sampled_from([1000, 3000]), NO_UTF8).map(lambda data: (data, 1007))
#: What does between messages, and what does within one.
WRONG_OUTSIDE = WRONG | st.one_of(
    st.builds(sent, SHORT, st.just(CONTINUATION), fin=st.booleans()).map(lambda data: (data, 1002)),
    st.builds(sent, NO_UTF8, st.just(TEXT)).map(lambda data: (data, 1007)),
    st.just((sent(bytes(TOO_LARGE), BINARY), 1009)),
    st.just((bytes([0x82, 0xFF]) + TOO_LARGE.to_bytes(8, "big") + bytes(4), 1009)),
)
WRONG_WITHIN = WRONG | st.one_of(
    st.builds(sent, SHORT, st.sampled_from([TEXT, BINARY])).map(lambda data: (data, 1002)),
    st.builds(sent, NO_UTF8, st.just(CONTINUATION)).map(lambda data: (data, 1007)),
    st.just((sent(bytes(TOO_LARGE), CONTINUATION), 1009)),
)
#: How a talk ends: bytes, and the code.
ENDS = st.one_of(
    st.sampled_from([(close(1000), 1000), (close(1000, b"bye"), 1000), (sent(b"", CLOSE), 1000)]),
    WRONG_OUTSIDE,
    WRONG_WITHIN.map(lambda wrong: (UNFINISHED + wrong[0], wrong[1])),
)
#: What comes behind it, and should be nothing to anybody.
BEHIND = st.binary(max_size=40) | st.just(sent(b"ignored") + sent(b"ignored", PING) + close(1000))


@pytest.fixture(scope="module")
def server(running_reactor):
    with override_settings(RELAY_FRAME_RATE=0):
        server = InterfaceServer(ChannelLayer(), "tcp:0:interface=127.0.0.1")
    yield server
    server.stop()


class Talk:
    """A socket that says bytes, in pieces, and then waits for a close frame, or does not. `frames` is what it hears."""

    def __init__(self, server, data, pieces, waits=True):
        server.app.seen.clear()
        self.frames = []
        with server.raw(handshake()) as connection:
            peer = Peer(connection)
            try:
                for piece in cut(data, pieces):
                    connection.sendall(piece)
            except ConnectionError:
                # It has closed, and what stood behind was for nobody.
                assert waits
            while waits and CLOSE not in dict(self.frames):
                self.frames.append(peer.frame())
            try:
                peer.rest()
            except OSError:
                assert waits
            while peer.data:
                self.frames.append(peer.frame())
        wait_until(lambda: server.protocols() == [], "the server has forgotten it")
        server.app.wait_for("websocket.disconnect")
        self.heard = [message.get("text", message.get("bytes")) for message in server.app.messages("websocket.receive")]


def cut(data, sizes):
    for size in sizes:
        yield data[:size]
        data = data[size:]
    yield data


@given(st.lists(messages(), max_size=4), ENDS, BEHIND, st.lists(st.integers(1, 50), max_size=20))
def test_what_keeps_the_rules_is_delivered_and_what_breaks_them_named(server, caplog, said, end, behind, pieces):
    caplog.clear()
    data = b"".join(part for part, _, _ in said) + end[0] + behind
    talk = Talk(server, data, pieces)
    assert talk.heard == [payload for _, payload, _ in said]
    *pongs, last = talk.frames
    assert last == (CLOSE, end[1])
    assert pongs == [(PONG, payload) for _, _, answers in said for payload in answers]
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


@given(st.binary(max_size=300), st.lists(st.integers(1, 50), max_size=10))
def test_noise_ends_a_socket_and_nothing_else(server, caplog, data, pieces):
    caplog.clear()
    talk = Talk(server, data, pieces, waits=False)
    assert [opcode for opcode, _ in talk.frames if opcode not in (PONG, CLOSE)] == []
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert Talk(server, sent(b"good") + close(1000), []).heard == ["good"]
