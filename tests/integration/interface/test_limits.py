"""What a client may cost the interface server: time of the reactor, connections, and the disk of the access log."""

import contextlib
import re
import time

import pytest
from daphne.access import AccessLogGenerator
from twisted.internet.address import IPv4Address
from twisted.internet.testing import StringTransport

from relay.http_channel import READ_SIZE
from tests.interface import GET, handshake, read_until, status
from tests.waiting import wait_until

#: Bytes of a hostile body; and how many times as long the longer one is.
SIZE, TIMES = 32 * 1024, 4

MULTIPART = b"multipart/form-data; boundary=x"
FORM = b"application/x-www-form-urlencoded"


def post(body, content_type=FORM):
    head = b"POST /page HTTP/1.1\r\nHost: a\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n"
    return head % (content_type, len(body)) + body


def part(disposition, content=b""):
    return b"--x\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n--x--\r\n" % (disposition, content)


def chunked(body):
    return b"POST /page HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + body


#: What is sent, by the number of bytes that it is about.
SHAPES = {
    "a name of semicolons": lambda n: post(part(b'name="%s"' % (b";" * n)), MULTIPART),
    "a name of quotes": lambda n: post(part(b'name="%s"' % (b'\\"' * (n // 2))), MULTIPART),
    "a charset that nobody knows": lambda n: post(part(b"name*=no-such-charset''x", b"a" * n), MULTIPART),
    "parts without end": lambda n: post(b"--x\r\n\r\n" * (n // 7), MULTIPART),
    "boundaries within boundaries": lambda n: post(b"--x--x" * (n // 6), MULTIPART),
    "headers of a part": lambda n: post(b"--x\r\n" + b"A: b\r\n" * (n // 6), MULTIPART),
    "a form of ampersands": lambda n: post(b"&" * n),
    "a form of fields": lambda n: post(b"a=b&" * (n // 4)),
    "a form of escapes": lambda n: post(b"%zz" * (n // 3)),
    "chunks of a byte": lambda n: chunked(b"1\r\na\r\n" * (n // 6) + b"0\r\n\r\n"),
    "chunks with extensions": lambda n: chunked((b"1;" + b"a" * 100 + b"\r\na\r\n") * (n // 107) + b"0\r\n\r\n"),
    "trailers": lambda n: chunked(b"1\r\na\r\n0\r\n" + b"A: b\r\n" * (n // 6) + b"\r\n"),
    "a query": lambda n: b"GET /page?%s HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a=b&" * (n // 10 // 4)),
    "cookies": lambda n: b"GET /page HTTP/1.1\r\nHost: a\r\nCookie: %s\r\n\r\n" % (b"a=b;" * (n // 10 // 4)),
    "requests behind each other": lambda n: GET * (n // len(GET)),
}


def reactor_time(server, data, piece=READ_SIZE):
    """Seconds of CPU that the reactor spends on a connection that sends this."""

    def feed():
        factory = server.server.factory
        address = IPv4Address("TCP", "127.0.0.1", 5)
        channel = factory.buildProtocol(address)
        channel.makeConnection(StringTransport(peerAddress=address))
        began = time.thread_time()
        for start in range(0, len(data), piece):
            if not channel.transport.disconnecting:
                channel.dataReceived(data[start : start + piece])
        spent = time.thread_time() - began
        channel.connectionLost(None)
        return spent

    return server.call(feed)


@pytest.mark.parametrize("shape", SHAPES)
def test_no_body_costs_the_reactor_more_than_linear_time(serve, shape):
    """S1"""
    server = serve()
    short, long = (min(reactor_time(server, SHAPES[shape](size)) for _ in range(3)) for size in (SIZE, TIMES * SIZE))
    print("%s: %.1f ms, %.1f ms" % (shape, 1000 * short, 1000 * long))
    assert long < 2.5 * TIMES * short + 0.05


def test_what_comes_byte_by_byte_behind_a_request_costs_no_more_than_linear_time(serve):
    """S1: while a request is answered, Twisted counted again with each byte how much had come."""
    server = serve()
    short, long = (
        min(reactor_time(server, GET + b"a" * size, piece=1) for _ in range(3)) for size in (SIZE // 8, SIZE // 2)
    )
    assert long < 2.5 * TIMES * short + 0.05


def test_a_part_in_a_charset_that_nobody_knows_reaches_the_application(serve):
    """S1: it dropped the connection, with a traceback."""
    server = serve()
    body = part(b"name*=no-such-charset''x", b"a")
    assert status(server.request(post(body, MULTIPART))) == 200
    assert server.app.messages("http.request")[0]["body"] == body


def test_a_socket_is_answered_while_others_send_hostile_bodies(serve):
    """S1"""
    server = serve()
    worst = 0.0
    with server.socket() as socket:
        for make in SHAPES.values():
            with server.raw() as connection:
                connection.settimeout(None)
                with contextlib.suppress(OSError):
                    connection.sendall(make(900_000))
                began = time.monotonic()
                socket.ping().wait(20)
                worst = max(worst, time.monotonic() - began)
    print("worst ping: %.0f ms" % (1000 * worst))
    assert worst < 2


def drip(connection, seconds):
    """Send a header slowly, for ever; returns when the server ends the connection, or the time is over."""
    connection.settimeout(0.05)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            connection.sendall(b"a")
            if connection.recv(1000) == b"":
                return True
        except TimeoutError:
            continue
        except OSError:
            return True
    return False


@pytest.mark.parametrize("head", [b"GET /page HTTP/1.1\r\nHost: a\r\nX: ", handshake()[:-2] + b"X: ", b""])
def test_a_head_that_drips_is_cut_off(serve, settings_override, head):
    """S9"""
    settings_override(RELAY_HEAD_TIMEOUT=0.5)
    with serve().raw(head) as connection:
        assert drip(connection, 20)


def test_a_body_that_comes_slowly_but_steadily_arrives(serve, settings_override):
    settings_override(RELAY_HEAD_TIMEOUT=0.3)
    server = serve()
    body = b"a" * 20_000
    whole = post(body)
    with server.raw(whole[:-20_000]) as connection:
        for start in range(0, 20_000, 2000):
            time.sleep(0.08)
            connection.sendall(body[start : start + 2000])
        assert status(read_until(connection, b"\r\n\r\n")) == 200


def test_a_body_that_drips_is_cut_off(serve):
    """S9"""
    server = serve()
    server.server.factory.timeOut = 0.5
    with server.raw(post(b"a" * 20_000)[:-20_000]) as connection:
        assert drip(connection, 20)


def test_connections_beyond_the_limit_are_closed_at_once_and_others_come_in_when_there_is_room(
    serve, settings_override
):
    """S9"""
    settings_override(RELAY_MAX_CONNECTIONS=3)
    server = serve()
    with server.socket() as socket, server.raw(GET) as second, server.raw() as third:
        read_until(second, b"\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert server.request(GET) == b""
        assert server.server.counts()["connections beyond RELAY_MAX_CONNECTIONS were turned away"] == 1
        third.close()
        wait_until(lambda: server.server.factory.connections == 2, "one has gone")
        assert status(server.request(GET)) == 200
        socket.ping().wait(20)
    wait_until(lambda: server.server.factory.connections == 0, "all have gone")


def test_an_access_log_on_a_full_disk_refuses_nobody(serve):
    """S7"""
    with open("/dev/full", "w", buffering=1) as full:
        server = serve(action_logger=AccessLogGenerator(full))
        with server.socket() as socket:
            socket.send("hello")
            server.app.wait_for("websocket.receive")
        server.app.wait_for("websocket.disconnect")
        assert status(server.request(GET)) == 200
        assert server.server.counts()["lines could not be written to the access log"] > 2
        with contextlib.suppress(OSError):
            full.close()


@pytest.mark.parametrize("length", [b"99999999999999999999", b"9" * 5000, b"1" * 18])
def test_a_length_beyond_all_limits_is_answered_at_once(serve, length):
    """S10"""
    head = b"POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: %s\r\n\r\n" % length
    assert re.match(rb"HTTP/1.1 413 ", serve().request(head))
