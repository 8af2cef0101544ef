"""
Whatever bytes a client sends, twice as many take the reactor about twice as long (S1).

They are handed to real connections in the pieces that the kernel would hand over. What is measured is the CPU of the
reactor's thread, so that nothing else of the machine counts.
"""

import time

import pytest

from relay.http_channel import READ_SIZE
from tests.interface import handshake, masked, read_until, status
from tests.waiting import wait_until

#: By how much the cost of twice as many bytes may grow, and a difference in seconds that is ignored.
FACTOR, NOTHING = 3, 0.03
TRIES = 3
MULTIPART = b"multipart/form-data; boundary=x"
FORM = b"application/x-www-form-urlencoded"


def cut(data, size=READ_SIZE):
    return [data[start : start + size] for start in range(0, len(data), size)]


def dripped(data):
    return cut(data, 1)


def post(body, kind):
    head = b"POST /page HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n" % (kind, len(body))
    return head + body


def part(disposition, rest=b""):
    return b"--x\r\nContent-Disposition: form-data; %s\r\n\r\nv\r\n%s--x--\r\n" % (disposition, rest)


def chunked(body):
    return b"POST /page HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n"


def head(lines, target=b"/page"):
    return b"GET %s HTTP/1.1\r\nHost: a\r\n" % target + lines + b"\r\n"


def refused(count):
    """Requests that the server answers by itself, one behind the other."""
    return b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n" * count


#: Requests of about so many bytes.
REQUESTS = {
    "a_name_of_semicolons": lambda n: cut(post(part(b'name="' + b";" * n + b'"'), MULTIPART)),
    "an_unknown_charset": lambda n: cut(post(part(b"name*=no-such-charset''" + b"x" * n), MULTIPART)),
    "many_parts": lambda n: cut(post(b"--x\r\n\r\n" * (n // 7) + b"--x--\r\n", MULTIPART)),
    "nearly_boundaries": lambda n: cut(post(b"\r\n--" * (n // 4), b"multipart/form-data; boundary=" + b"-" * 70)),
    "nested_parts": lambda n: cut(
        post(b"".join(b"--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" for _ in range(n // 48)), MULTIPART)
    ),
    "quoted_backslashes": lambda n: cut(post(part(b'name="' + b'\\"' * (n // 2) + b'"'), MULTIPART)),
    "ampersands": lambda n: cut(post(b"&" * n, FORM)),
    "escapes": lambda n: cut(post(b"%26=%3d&" * (n // 8), FORM)),
    "one_byte_chunks": lambda n: cut(chunked(b"1\r\na\r\n" * (n // 6))),
    "chunk_extensions": lambda n: cut(chunked((b"1;" + b"x" * 1000 + b"\r\na\r\n") * (n // 1000))),
    "a_body_in_drops": lambda n: dripped(post(b"a" * (n // 20), FORM)),
    "chunks_in_drops": lambda n: dripped(chunked(b"1\r\na\r\n" * (n // 100))),
    "a_crowd_of_refused_requests": lambda n: cut(refused(n // 2000)),
}
#: The same, for what has a limit of its own below that of a body.
HEADS = {
    "trailers": lambda n: cut(chunked(b"")[:-2] + b"a:b\r\n" * (3 * n // 4) + b"\r\n"),
    "many_headers": lambda n: cut(head(b"a:b\r\n" * (n // 33))),
    "a_folded_header": lambda n: cut(head(b"a: b\r\n" + b" c\r\n" * (n // 4))),
    "a_long_header": lambda n: cut(head(b"a: " + b"b" * n + b"\r\n")),
    "a_query_of_ampersands": lambda n: cut(head(b"", b"/page?" + b"&" * n)),
    "a_query_of_escapes": lambda n: cut(head(b"", b"/page?" + b"%26=&" * (n // 5))),
    "a_path_of_escapes": lambda n: cut(head(b"", b"/" + b"%41" * (n // 3))),
    "cookies": lambda n: cut(head(b"Cookie: " + b"a=b;" * (n // 4) + b"\r\n")),
    "a_head_in_drops": lambda n: dripped(head(b"a: " + b"b" * n + b"\r\n")),
    "a_handshake_with_a_query": lambda n: cut(handshake(path=b"/?" + b"a=&" * (n // 3))),
    "a_handshake_with_protocols": lambda n: cut(handshake(b"Sec-WebSocket-Protocol: " + b"a," * (n // 2))),
    "a_handshake_with_extensions": lambda n: cut(handshake(b"Sec-WebSocket-Extensions: " + b"a;b=c," * (n // 6))),
    "a_handshake_with_headers": lambda n: cut(handshake(*[b"a:b"] * (n // 33))),
}
#: What a socket says.
FRAMES = {
    "one_byte_frames": lambda n: cut(masked(b"a") * (n // 140)),
    "pings": lambda n: cut(masked(b"", 9) * (n // 60)),
    "pongs_in_drops": lambda n: dripped(masked(b"a" * 100, 10) * (n // 2000)),
    "a_message_in_drops": lambda n: dripped(masked(b"a" * (n // 20))),
    "a_message_of_parts": lambda n: cut(b"\x01" + masked(b"a")[1:] + (b"\x00" + masked(b"a")[1:]) * (n // 7)),
    "halves_of_characters": lambda n: cut(masked("é".encode() * (n // 16))[:-1]),
    "an_unfinished_head": lambda n: cut(masked(b"a" * 100) * (n // 106) + b"\x81"),
}


class Clock:
    """The CPU that the reactor's thread has used for what it was handed."""

    def __init__(self, server):
        self.server = server
        self.seconds = 0.0

    def hand_over(self, protocol, piece):
        begun = time.thread_time()
        protocol.dataReceived(piece)
        self.seconds += time.thread_time() - begun

    def request(self, pieces):
        """Hand a request to a connection that is made for it, until the server has enough of it."""
        with self.server.raw() as connection:
            channel = wait_until(lambda: next(iter(self.server.server.factory.channels.open), None), "it is connected")
            self.feed(channel, pieces, lambda: channel.transport.disconnecting or channel not in self.channels())
            self.server.call(channel.transport.abortConnection)
            assert connection.fileno() >= 0
        wait_until(lambda: not self.channels() and not self.server.protocols(), "it is gone")

    def channels(self):
        return self.server.server.factory.channels.open

    def say(self, pieces):
        """Hand bytes to a socket, as long as it wants to read."""
        with self.server.raw(handshake()) as connection:
            assert status(read_until(connection, b"\r\n\r\n")) == 101
            [socket] = self.server.protocols()
            self.feed(socket, pieces, lambda: socket.state != socket.STATE_OPEN, lambda: socket.held_back)
            self.server.call(socket.break_off)
        wait_until(lambda: not self.server.protocols(), "it is gone")

    def feed(self, protocol, pieces, ended, waits=lambda: False):
        def hand_over_some():
            begun = time.monotonic()
            while pieces and not ended() and not waits() and time.monotonic() - begun < 0.05:
                self.hand_over(protocol, pieces.pop())

        pieces = pieces[::-1]
        while pieces and not self.server.call(ended):
            self.server.call(hand_over_some)


def cost(server, method, pieces):
    """Seconds of CPU; the least of some tries, as caches and collections of garbage come in between."""
    clocks = [Clock(server) for _ in range(TRIES)]
    for clock in clocks:
        getattr(clock, method)(pieces)
    return min(clock.seconds for clock in clocks)


def check(server, method, shape, size):
    once, twice = (cost(server, method, shape(n)) for n in (size, 2 * size))
    assert twice <= FACTOR * once + NOTHING, "%.3f s, and %.3f s for twice as much" % (once, twice)


@pytest.mark.parametrize("name", REQUESTS)
def test_twice_as_large_a_body_takes_about_twice_as_long(serve, name):
    check(serve(), "request", REQUESTS[name], 60_000)


@pytest.mark.parametrize("name", HEADS)
def test_twice_as_large_a_head_takes_about_twice_as_long(serve, name):
    check(serve(), "request", HEADS[name], 7_000)


@pytest.mark.parametrize("name", FRAMES)
def test_twice_as_many_frames_take_about_twice_as_long(serve, name, settings_override):
    # Else a socket is soon not read for a while.
    settings_override(RELAY_FRAME_RATE=0)
    check(serve(), "say", FRAMES[name], 200_000)
