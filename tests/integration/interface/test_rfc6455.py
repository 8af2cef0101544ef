"""
What a WebSocket server answers to any frames (RFC 6455): the questions of the Autobahn test suite, put by us.

That suite needs Python 2. The comments name its areas. Each row is a talk of its own: what is sent, and what comes back
before more is sent. The application echoes.
"""

import os
import socket as sockets

import pytest
from django.test import override_settings

from relay.layers.inmemory import ChannelLayer
from tests.interface import InterfaceServer, handshake, masked, read_until
from tests.waiting import wait_until

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
LIMIT = 1024 * 1024
GREEK = "Hello-µ@ßöäüàá-UTF-8!! κόσμε 𝄞".encode()


def sent(payload=b"", opcode=TEXT, fin=True, rsv=0, mask=None, size=None):
    """The bytes of a client's frame. `size`: bytes that its length is written in, if not as few as can be."""
    mask = os.urandom(4) if mask is None else mask
    length = len(payload)
    size = size if size is not None else 0 if length < 126 else 2 if length < 65536 else 8
    short = {0: length, 2: 126, 8: 127}[size]
    head = bytes([fin << 7 | rsv << 4 | opcode, (0x80 if mask else 0) | short])
    key = (mask * (length // 4 + 1))[:length]
    body = (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(length, "big") if mask else payload
    return head + (length.to_bytes(size, "big") if size else b"") + mask + body


def ping(payload=b""):
    return sent(payload, PING)


def close(code=None, reason=b""):
    return sent(b"" if code is None else code.to_bytes(2, "big") + reason, CLOSE)


def parts(*payloads, opcode=TEXT, between=b""):
    """A message in that many frames."""
    last = len(payloads) - 1
    frames = [sent(payload, CONTINUATION if n else opcode, fin=n == last) for n, payload in enumerate(payloads)]
    return between.join(frames)


def chopped(data, size):
    return [data[n : n + size] for n in range(0, len(data), size)]


class Peer:
    """A client that knows frames, and thinks nothing of them."""

    def __init__(self, connection):
        self.connection = connection
        answer = read_until(connection, b"\r\n\r\n")
        self.data = answer.partition(b"\r\n\r\n")[2]

    def take(self, count):
        while len(self.data) < count:
            part = self.connection.recv(1 << 20)
            assert part, "it ended instead"
            self.data += part
        taken, self.data = self.data[:count], self.data[count:]
        return taken

    def frame(self):
        """The next frame: its opcode, and its payload, or the code of a close."""
        first, length = self.take(2)
        assert first & 0xF0 == 0x80, "whole, and no extension's"
        assert length < 128, "a server does not mask"
        if length > 125:
            length = int.from_bytes(self.take(2 if length == 126 else 8), "big")
        payload = self.take(length)
        opcode = first & 15
        return opcode, int.from_bytes(payload[:2], "big") if opcode == CLOSE else payload

    def rest(self):
        """What still comes to one who says no more."""
        self.connection.shutdown(sockets.SHUT_WR)
        while part := self.connection.recv(65536):
            self.data += part
        return self.data


def echoes(payload, opcode=TEXT, data=None):
    return [(data or sent(payload, opcode), [(opcode, payload)])]


def refused(code, *frames):
    """All of it is sent at once; nothing but this close is answered, whatever comes behind."""
    return [(b"".join([*frames, sent(b"ignored"), ping(b"ignored")]), [(CLOSE, code)])]


ROWS = {}

# 1: framing
for size in (0, 1, 125, 126, 127, 128, 65535, 65536):
    ROWS["1.1 a text of %d bytes" % size] = echoes(b"*" * size)
    ROWS["1.2 %d bytes" % size] = echoes(b"\xfe" * size, BINARY)
ROWS["1.1.8 a text in chops of 997 bytes"] = [(chopped(sent(b"*" * 65536), 997), [(TEXT, b"*" * 65536)])]
ROWS["1 a frame that comes byte by byte"] = [(chopped(sent(GREEK), 1), [(TEXT, GREEK)])]
ROWS["1 a mask of zeros"] = echoes(b"seen", data=masked(b"seen"))
ROWS["1 no mask"] = refused(1002, sent(b"seen", mask=b""))
ROWS["1 a length in two bytes that fits in none"] = refused(1002, sent(b"x" * 125, size=2))
ROWS["1 a length in eight bytes that fits in two"] = refused(1002, sent(b"x" * 126, size=8))
ROWS["1 a length of 2**63"] = refused(1002, b"\x82\xff" + (1 << 63).to_bytes(8, "big") + bytes(4))
ROWS["1 many messages in one piece"] = [
    (b"".join(map(sent, (b"a", b"b", b"c"))), [(TEXT, b"a"), (TEXT, b"b"), (TEXT, b"c")])
]

# 2: pings and pongs
for payload in (b"", b"Hello, world!", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125):
    ROWS["2 a ping of %d bytes" % len(payload)] = [(ping(payload), [(PONG, payload)])]
ROWS["2.5 a ping of 126 bytes"] = refused(1002, ping(b"\xfe" * 126))
ROWS["2.6 a ping byte by byte"] = [(chopped(ping(b"\xfe" * 125), 1), [(PONG, b"\xfe" * 125)])]
for payload in (b"", b"unsolicited"):
    ROWS["2.7 a pong of %d bytes that nobody asked for" % len(payload)] = [
        (sent(payload, PONG) + ping(b"p"), [(PONG, b"p")])
    ]
ROWS["2.10 ten pings"] = [(b"".join(ping(b"%d" % n) for n in range(10)), [(PONG, b"%d" % n) for n in range(10)])]

# 3: reserved bits
for rsv in range(1, 8):
    ROWS["3 a text with the reserved bits %d" % rsv] = refused(1002, sent(b"a", rsv=rsv))
ROWS["3 reserved bits after a message"] = [*echoes(b"a"), *refused(1002, sent(b"b", rsv=5))]
ROWS["3 reserved bits of a ping"] = refused(1002, sent(b"a", PING, rsv=1))
ROWS["3 reserved bits of a close"] = refused(1002, sent(b"", CLOSE, rsv=7))

# 4: opcodes
for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
    ROWS["4 the opcode %d" % opcode] = refused(1002, sent(b"a", opcode))
    ROWS["4 the opcode %d, empty, after a message" % opcode] = [*echoes(b"a"), *refused(1002, sent(b"", opcode))]

# 5: fragmentation
ROWS["5.1 a ping in two parts"] = refused(1002, sent(b"a", PING, fin=False), sent(b"b", CONTINUATION))
ROWS["5.2 a pong in two parts"] = refused(1002, sent(b"a", PONG, fin=False), sent(b"b", CONTINUATION))
ROWS["5 a close in two parts"] = refused(1002, sent(b"\x03\xe8", CLOSE, fin=False))
ROWS["5.3 a text in two parts"] = echoes(b"onetwo", data=parts(b"one", b"two"))
ROWS["5 bytes in two parts"] = echoes(b"\xff\xfe", BINARY, data=parts(b"\xff", b"\xfe", opcode=BINARY))
ROWS["5 empty parts"] = echoes(b"", data=parts(b"", b"", b""))
ROWS["5 an empty part in the middle"] = echoes(b"ab", data=parts(b"a", b"", b"b"))
ROWS["5.6 a ping between two parts"] = [(parts(b"one", b"two", between=ping(b"p")), [(PONG, b"p"), (TEXT, b"onetwo")])]
ROWS["5.8 the same byte by byte"] = [
    (chopped(parts(b"one", b"two", between=ping(b"p")), 1), [(PONG, b"p"), (TEXT, b"onetwo")])
]
ROWS["5.9 a continuation of nothing"] = refused(1002, sent(b"a", CONTINUATION))
ROWS["5.10 an unfinished continuation of nothing"] = refused(1002, sent(b"a", CONTINUATION, fin=False))
ROWS["5.15 a continuation of what is finished"] = [
    (parts(b"one", b"two"), [(TEXT, b"onetwo")]),
    *refused(1002, sent(b"three", CONTINUATION)),
]
ROWS["5.18 a text within a text"] = refused(1002, sent(b"a", fin=False), sent(b"b"))
ROWS["5 bytes within a text"] = refused(1002, sent(b"a", fin=False), sent(b"b", BINARY))
ROWS["5.19 pings between all parts"] = [
    (parts(b"a", b"b", b"c", b"d", between=ping(b"p")), [(PONG, b"p")] * 3 + [(TEXT, b"abcd")])
]
ROWS["5 a close between two parts"] = [(sent(b"a", fin=False) + close(1000), [(CLOSE, 1000)])]

# 6: UTF-8
VALID = ["", "κόσμε", "\0", "\x7f", "\x80", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufffd", "\ufeff", "\ufffe"]
VALID += ["\uffff", "\U00010000", "\U0001fffe", "\U0010ffff", "𝄞"]
for text in VALID:
    ROWS["6 the text %s" % ascii(text)] = echoes(text.encode())
ROWS["6.2 a text whose parts end within characters"] = echoes(GREEK, data=parts(*chopped(GREEK, 1)))
INVALID = {
    "a character that goes on after its end": b"\xce\xba\xe1\xbd\xb9\x80",
    "a continuation byte": b"\x80",
    "continuation bytes": b"\x80\xbf\x80\xbf",
    "a lonely first byte of two": b"\xc2 ",
    "a lonely first byte of three": b"\xe0 ",
    "a lonely first byte of four": b"\xf0 ",
    "an end within a character": b"\xce\xba\xe1\xbd",
    "an end within four bytes": b"\xf4\x8f\xbf",
    "an overlong slash in two bytes": b"\xc0\xaf",
    "an overlong slash in three bytes": b"\xe0\x80\xaf",
    "an overlong slash in four bytes": b"\xf0\x80\x80\xaf",
    "an overlong NUL": b"\xc0\x80",
    "the longest overlong one": b"\xf0\x8f\xbf\xbf",
    "a high surrogate": b"\xed\xa0\x80",
    "a low surrogate": b"\xed\xbf\xbf",
    "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
    "a character above the last": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "six bytes": b"\xfc\x84\x80\x80\x80\x80",
    "0xfe": b"\xfe",
    "0xff": b"\xff",
}
for name, data in INVALID.items():
    ROWS["6 no text: %s" % name] = refused(1007, sent(data))
    ROWS["6 no text in parts: %s" % name] = refused(1007, parts(*chopped(data, 1), b""))
    ROWS["6 but bytes: %s" % name] = echoes(data, BINARY)
# 6.4: at once, not when the message has ended
ROWS["6.4.1 a wrong part of a text that has not ended"] = [(sent(b"\xf4\x90", fin=False), [(CLOSE, 1007)])]
ROWS["6.4.3 a wrong byte of a frame that has not ended"] = [(sent(b"ok\xff" + b"x" * 90)[:40], [(CLOSE, 1007)])]

# 7: closing
for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 3000, 3999, 4000, 4999):
    ROWS["7.7 the close code %d" % code] = [(close(code), [(CLOSE, 1000)])]
for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
    ROWS["7.9 the close code %d" % code] = refused(1002, close(code))
ROWS["7.1.1 a close after a message"] = [*echoes(b"a"), (close(1000), [(CLOSE, 1000)])]
ROWS["7.1.2 two closes"] = [(close(1000) + close(1000), [(CLOSE, 1000)])]
ROWS["7.1.3 a ping after the close"] = [(close(1000) + ping(b"late"), [(CLOSE, 1000)])]
ROWS["7.1.4 a text after the close"] = [(close(1000) + sent(b"late"), [(CLOSE, 1000)])]
ROWS["7.1.5 the end of a text after the close"] = [
    (sent(b"a", fin=False) + close(1000) + sent(b"b", CONTINUATION), [(CLOSE, 1000)])
]
ROWS["7.3.1 a close without a code"] = [(close(), [(CLOSE, 1000)])]
ROWS["7.3.2 a close of one byte"] = refused(1002, sent(b"a", CLOSE))
ROWS["7.3.4 a close with a reason"] = [(close(1000, GREEK), [(CLOSE, 1000)])]
ROWS["7.3.5 a close of 125 bytes"] = [(close(1000, b"*" * 123), [(CLOSE, 1000)])]
ROWS["7.3.6 a close of 126 bytes"] = refused(1002, close(1000, b"*" * 124))
ROWS["7.5.1 a reason that is no text"] = refused(1007, close(1000, b"\xce\xba\xed\xa0\x80"))
ROWS["7.5 a reason that ends within a character"] = refused(1007, close(1000, b"\xce"))

# 9: limits
ROWS["9 as large as may be"] = echoes(b"x" * LIMIT, BINARY)
ROWS["9 as large as may be in parts"] = echoes(
    b"x" * LIMIT, BINARY, data=parts(*chopped(b"x" * LIMIT, 65536), opcode=BINARY)
)
ROWS["9 one byte more"] = refused(1009, sent(b"x" * (LIMIT + 1), BINARY))
ROWS["9 one byte more in parts"] = refused(1009, parts(b"x" * LIMIT, b"x", opcode=BINARY))
ROWS["9 a frame that only says that it is large"] = [
    (b"\x82\xff" + (1 << 40).to_bytes(8, "big") + bytes(4), [(CLOSE, 1009)])
]
ROWS["9 as many parts as may be"] = echoes(b"x" * 1000, data=parts(*[b"x"] * 1000))
ROWS["9 endless parts"] = refused(1009, sent(b"x", fin=False), sent(b"x", CONTINUATION, fin=False) * 1100)

# 10: other things
ROWS["10 a text after many empty parts"] = echoes(b"end", data=parts(*[b""] * 500, b"end"))
ROWS["10 each kind after each"] = [
    (sent(b"a") + ping(b"1") + sent(b"\xff", BINARY), [(PONG, b"1"), (TEXT, b"a"), (BINARY, b"\xff")]),
    (ping(b"2") + close(4000), [(PONG, b"2"), (CLOSE, 1000)]),
]


def echo(server):
    def answer(message):
        server.app.reply(message, **{kind: message[kind] for kind in ("text", "bytes") if kind in message})

    return answer


@pytest.fixture(scope="module")
def server(running_reactor):
    """One for all rows, which echoes."""
    with override_settings(RELAY_FRAME_RATE=0):
        server = InterfaceServer(ChannelLayer(), "tcp:0:interface=127.0.0.1")
    server.app.on["websocket.receive"] = echo(server)
    yield server
    server.stop()


@pytest.fixture
def peer(server):
    server.app.seen.clear()
    with server.raw(handshake()) as connection:
        connection.setsockopt(sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1)
        yield Peer(connection)
    wait_until(lambda: server.protocols() == [], "the server has forgotten it")


def in_order(frames):
    """Pongs come from the server, at once; echoes from the worker, when it gets to them."""
    return sorted(frames, key=lambda frame: frame[0] != PONG)


@pytest.mark.parametrize("talk", ROWS.values(), ids=ROWS.keys())
def test_frames_are_answered_as_the_standard_says(server, peer, talk):
    expected = []
    for data, expected in talk:
        for piece in [data] if isinstance(data, bytes) else data:
            peer.connection.sendall(piece)
        assert in_order([peer.frame() for _ in expected]) == in_order(expected)
    if expected[-1][0] != CLOSE:
        peer.connection.sendall(close(1000))
        assert peer.frame() == (CLOSE, 1000)
    assert peer.rest() == b"", "nothing comes after the close"
    server.app.wait_for("websocket.disconnect")
    assert all("ignored" not in str(message) for _, message in server.app.seen)


WRONGS = {
    "1002": (sent(b"", 3), 1002),
    "1007": (sent(b"\xff"), 1007),
    "1007, and a close behind it": (sent(b"\xff") + close(1000), 1007),
    "1007 of a reason": (close(1000, b"\xff"), 1007),
    "1009": (sent(bytes(LIMIT + 1), BINARY), 1009),
}


@pytest.mark.parametrize(("data", "code"), WRONGS.values(), ids=WRONGS.keys())
def test_who_breaks_a_rule_is_told_which_and_waits_for_nothing(running_reactor, monkeypatch, data, code):
    """Section 7.1.1: it is the server that closes. Autobahn waits for an answer, which it can't read any more."""
    monkeypatch.setattr("relay.http_factory.CLOSING_TIME", 1000)
    server = InterfaceServer(ChannelLayer(), "tcp:0:interface=127.0.0.1")
    with server.raw(handshake()) as connection:
        peer = Peer(connection)
        connection.sendall(data)
        assert peer.frame() == (CLOSE, code)
        # The end comes while this side is still open.
        assert connection.recv(65536) == b""
    server.app.wait_for("websocket.disconnect")
    server.stop()
