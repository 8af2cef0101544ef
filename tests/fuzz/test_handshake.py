"""
Whatever bytes a connection begins with: they end in a socket, an error or a close, the application hears of no header
that was not sent, and the next client is served.
"""

import base64
import logging
import os
import re
import socket as sockets

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from twisted.logger import globalLogPublisher

from relay.layers.inmemory import ChannelLayer
from tests.interface import GET, InterfaceServer, handshake, masked, read_until, status
from tests.waiting import wait_until

#: What an answer begins with. HTTP/0.9 has no status line; nobody gets one of those.
ANSWER = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
#: The same in each process: it stands in names of tests.
KEY = base64.b64encode(bytes(range(16)))
HEADERS = {
    b"Host": b"localhost",
    b"Upgrade": b"websocket",
    b"Connection": b"Upgrade",
    b"Sec-WebSocket-Key": KEY,
    b"Sec-WebSocket-Version": b"13",
}


def request(*more, line=b"GET / HTTP/1.1", end=b"\r\n", **changes):
    """A handshake with some headers changed (None: left out), and more lines behind them."""
    changed = {name.replace("_", "-").encode(): value for name, value in changes.items()}
    headers = {**HEADERS, **changed}
    lines = [line, *[name + b": " + value for name, value in headers.items() if value is not None], *more]
    return end.join([*lines, b"", b""])


def plain(*more, line=b"GET /page HTTP/1.1"):
    return b"\r\n".join([line, b"Host: localhost", *more, b"", b""])


OK, IN, BAD = {200}, {101}, {400}
#: Closed without a word.
CUT = {None}

#: What is sent, and the statuses that it may end in.
ROWS = {}
for byte in [*range(9), *range(11, 13), *range(14, 32), 127]:
    ROWS["the byte %#04x in a value" % byte] = (request(b"X-One: a%cCookie: sessionid=stolen" % byte), BAD)
for byte in (0, 9, 11, 12, 28, 32, 34, 40, 44, 47, 58, 64, 91, 123, 127, 133, 255):
    ROWS["the byte %#04x in a name" % byte] = (request(b"X-%cOne: a" % byte), BAD | (IN if byte == 58 else set()))
ROWS["the byte 0x85 in a value"] = (request(b"X-One: a\x85Cookie: sessionid=stolen"), IN)
ROWS["the byte 0x85 in a value of the handshake"] = (request(Origin=b"http://localhost\x85Cookie: a=b"), BAD)
ROWS["a CR alone in a value"] = (request(b"X-One: a\rCookie: sessionid=stolen"), BAD)
ROWS["an LF alone in a value"] = (request(b"X-One: a\nCookie: sessionid=stolen"), BAD)
ROWS["a CR alone before the end"] = (request(b"X-One: a\r"), BAD | IN)
ROWS["lines that end in LF"] = (request(end=b"\n"), BAD | CUT)
ROWS["lines that end in CR"] = (request(end=b"\r"), BAD | CUT)
ROWS["a folded line"] = (request(b"X-One: a\r\n Cookie: sessionid=stolen"), BAD | IN)
ROWS["a folded first line"] = (request(line=b"GET / HTTP/1.1\r\n X-One: a"), BAD)
ROWS["a line without a colon"] = (request(b"X-One"), BAD)
ROWS["a header without a name"] = (request(b": a"), BAD)
ROWS["a space before the colon"] = (request(b"X-One : a"), BAD)
ROWS["an underscore in a name"] = (request(b"X_Forwarded_For: 6.6.6.6"), IN)

#: Upgrade and Connection are lists, which may come in more than one line; an empty Host is that of a URL without one.
TWICE, EMPTY = {b"Upgrade": IN, b"Connection": IN}, {b"Upgrade": OK, b"Host": IN}
for name, value in HEADERS.items():
    line = name + b": " + value
    word = name.decode()
    ROWS["two %s" % word] = (request(line), TWICE.get(name, BAD))
    ROWS["no %s" % word] = (request(**{word.replace("-", "_"): None}), OK if name == b"Upgrade" else BAD)
    ROWS["an empty %s" % word] = (request(**{word.replace("-", "_"): b""}), EMPTY.get(name, BAD))
ROWS["two Origins"] = (request(b"Origin: http://localhost", b"Origin: https://evil.example"), BAD)
ROWS["two Content-Lengths"] = (plain(b"Content-Length: 0", b"Content-Length: 1"), BAD)
ROWS["two Content-Lengths that agree"] = (plain(b"Content-Length: 0", b"Content-Length: 0"), BAD | OK)
ROWS["a Content-Length and chunks"] = (plain(b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"0\r\n\r\n", BAD)
ROWS["chunks and a Content-Length"] = (plain(b"Transfer-Encoding: chunked", b"Content-Length: 5") + b"0\r\n\r\n", BAD)
ROWS["both at a handshake"] = (request(b"Content-Length: 5", b"Transfer-Encoding: chunked") + b"0\r\n\r\n", BAD)
for value in (b"-1", b"+1", b"0x1", b"1_0", b"1 1", b"1,1", b"", b"9" * 5000, b"\xb2"):
    ROWS["the Content-Length %r" % value[:9]] = (plain(b"Content-Length: " + value), BAD | CUT | {413})
for value in (b"gzip, chunked", b"chunked, chunked", b"xchunked", b"chunked\x0b"):
    ROWS["the Transfer-Encoding %r" % value] = (plain(b"Transfer-Encoding: " + value) + b"0\r\n\r\n", BAD | {501})
for size in (b"-1", b"0x1", b"1_0", b"g", b"", b"f" * 40):
    chunks = plain(b"Transfer-Encoding: chunked") + size + b"\r\na\r\n0\r\n\r\n"
    ROWS["a chunk of the size %r" % size[:9]] = (chunks, BAD | CUT)

# HTTP had it until RFC 7230, for no coding at all: what follows is a request of its own, and a bad one.
ROWS["the Transfer-Encoding identity"] = (plain(b"Transfer-Encoding: identity") + b"0\r\n\r\n", BAD)

ROWS["501 headers"] = (request(*[b"X-%d: a" % n for n in range(501)]), BAD | CUT | {431})
ROWS["501 times one header"] = (request(*[b"X-One: a"] * 501), BAD | CUT | {431})
ROWS["a header of 17 kB"] = (request(b"X-One: " + b"a" * 17_000), BAD | CUT | {431})
ROWS["a name of 17 kB"] = (request(b"X" * 17_000 + b": a"), BAD | CUT | {431})
ROWS["a path of 17 kB"] = (request(line=b"GET /%s HTTP/1.1" % (b"a" * 17_000)), BAD | CUT | {414})
ROWS["200 kB without an end"] = (b"a" * 200_000, BAD | CUT)

for target, expected in {
    b"http://localhost/page": OK | BAD,
    b"//": OK,
    b"//evil.example/page": OK,
    b"*": OK | BAD,
    b"localhost:443": OK | BAD,
    b"": BAD,
    b"/%": OK,
    b"/%00": BAD,
    b"/%0d%0aSet-Cookie:a": BAD,
    b"/\xff": BAD,
    b"/a b": BAD,
    b"/#a": BAD,
    b"/\x00": BAD,
    b"http://[": BAD,
}.items():
    for kind, build in (("page", plain), ("socket", request)):
        answers = expected | IN if kind == "socket" else expected
        ROWS["a %s at %r" % (kind, target)] = (build(line=b"GET %s HTTP/1.1" % target), answers | BAD)
for method in (b"POST", b"HEAD", b"OPTIONS", b"PUT", b"get", b"G\x00T", b"", b"G(T", b"CONNECT", b"TRACE"):
    ROWS["a handshake by %r" % method] = (request(line=b"%s / HTTP/1.1" % method), BAD | {405, 501})
for version in (b"HTTP/1.0", b"HTTP/0.9", b"HTTP/1.2", b"HTTP/2.0", b"HTTP/1.1.1", b"http/1.1", b"HTTP/", b"FTP/1.1"):
    ROWS["a handshake of %r" % version] = (request(line=b"GET / " + version), BAD | CUT | {426, 505})
ROWS["HTTP/0.9"] = (b"GET /\r\n\r\n", BAD | CUT | {505})
ROWS["HTTP/1.0"] = (b"GET /page HTTP/1.0\r\n\r\n", OK)
ROWS["HTTP/1.1 without a Host"] = (b"GET /page HTTP/1.1\r\n\r\n", BAD)
ROWS["HTTP/2"] = (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(9), BAD | CUT | {505})
ROWS["TLS"] = (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(200) + b"\r\n\r\n", BAD | CUT)
ROWS["nothing but newlines"] = (b"\r\n" * 1000, BAD | CUT)
ROWS["newlines before the request"] = (b"\r\n\r\n" + handshake(), BAD | IN)

for version in (b"0", b"8", b"12", b"14", b"-13", b"13.0", b"13, 8", b"x", b"\xb2", b"9" * 5000):
    ROWS["the version %r" % version[:9]] = (request(Sec_WebSocket_Version=version), BAD | {426})
for key in (b"a", KEY[:-1], KEY + b"=", b"=" * 24, b"!" * 22 + b"==", KEY[:-2] + b"\xff=", b"A" * 5000):
    ROWS["the key %r" % key[:30]] = (request(Sec_WebSocket_Key=key), BAD)
for value in (b"close", b"keep-alive", b"Upgraded", b"Up grade"):
    ROWS["the Connection %r" % value] = (request(Connection=value), BAD)
ROWS["a Connection with more in it"] = (request(Connection=b"keep-alive, upgrade"), IN)
for value in (b"h2c", b"websockets", b"web socket"):
    ROWS["an Upgrade to %r" % value] = (request(Upgrade=value), OK)
ROWS["an Upgrade to more than one"] = (request(Upgrade=b"websocket, h2c"), OK | IN | BAD)
for value in (b"a b", b"localhost:x", b"localhost:99999", b"localhost:443:443", b"[", b"[::1", b"\xff", b"a/b", b"a@b"):
    ROWS["the Host %r" % value] = (request(Host=value), BAD | IN)
for value in (b"x", b"http://", b"http://[", b"http://localhost:x", b"\xff", b"http://a http://localhost"):
    ROWS["the Origin %r" % value] = (request(b"Origin: " + value), BAD | {403})
for value in (b",", b"a,a", b"\xff", b"(", b"a" * 9000, b";;", b"permessage-deflate; client_max_window_bits=99"):
    ROWS["the protocol %r" % value[:9]] = (request(b"Sec-WebSocket-Protocol: " + value), BAD | IN)
    ROWS["the extension %r" % value[:9]] = (request(b"Sec-WebSocket-Extensions: " + value), BAD | IN)

ROWS["a body"] = (request(b"Content-Length: 4") + b"body", BAD | IN)
ROWS["chunks"] = (request(b"Transfer-Encoding: chunked") + b"1\r\na\r\n0\r\n\r\n", BAD | IN)
ROWS["Expect"] = (request(b"Expect: 100-continue"), BAD | IN | {100, 417})
ROWS["a second request behind it"] = (request() + GET, IN | BAD)
ROWS["a second handshake behind it"] = (request() + request(), IN | BAD)
ROWS["a request before it"] = (GET + request(), OK)
ROWS["frames behind it"] = (request() + masked(b"early") * 3, IN | BAD)
ROWS["noise behind it"] = (request() + bytes(range(256)) * 4, IN | BAD)


@pytest.fixture(scope="module")
def server(running_reactor):
    """One for all, that everybody hurts."""
    server = InterfaceServer(ChannelLayer(), "tcp:0:interface=127.0.0.1", websocket_connect_timeout=5)
    yield server
    server.stop()


@pytest.fixture
def raised():
    """What Twisted and Autobahn have caught meanwhile, which no answer tells of."""
    caught = []

    def note(event):
        if "log_failure" in event:
            caught.append(str(event["log_failure"]))

    globalLogPublisher.addObserver(note)
    yield caught
    globalLogPublisher.removeObserver(note)


def errors(caplog, raised):
    """What was logged as our fault."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] + raised


def ask(server, data, speaks=True):
    """The bytes that come back to who sends these, and has then said all. `speaks`: an answer is waited for before."""
    answer = b""
    with server.raw() as connection:
        try:
            connection.sendall(data)
            if speaks:
                answer = read_until(connection, b"\r\n\r\n")
            connection.shutdown(sockets.SHUT_WR)
            while part := connection.recv(65536):
                answer += part
        except TimeoutError:
            raise
        except OSError:
            # It was cut off while we spoke.
            pass
    return answer


def outcome(answer):
    """The status, or None if it was closed without a word."""
    if not answer:
        return None
    found = ANSWER.match(answer)
    assert found, "an answer that is none: %r" % answer[:80]
    return int(found[1])


def look_after(server):
    """The next one is served, and nobody is left over."""
    assert status(server.request(handshake())) == 101
    assert status(server.request(GET)) == 200
    wait_until(lambda: server.protocols() == [], "all are forgotten")


def headers_told(server):
    """What the application was told, of sockets and of requests."""
    told = [message["headers"] for name, message in list(server.app.seen) if "headers" in message]
    return [(bytes(name), bytes(value)) for headers in told for name, value in headers]


def lines_sent(data):
    """The header lines in these bytes, as anybody reads them who goes by CR LF and nothing else."""
    lines = re.sub(rb"\r\n(?=[ \t])", b"", data).split(b"\r\n")
    return {(name.lower(), spaced(value)) for name, _, value in (line.partition(b":") for line in lines)}


def spaced(value):
    """A value but for how much space is in it, since folded lines may be joined by any."""
    return re.sub(rb"[ \t]+", b" ", value).strip(b" ")


@pytest.mark.parametrize(("data", "expected"), ROWS.values(), ids=ROWS.keys())
def test_a_beginning_that_breaks_rules_ends_and_the_next_one_is_served(server, data, expected, caplog, raised):
    server.app.seen.clear()
    assert outcome(ask(server, data, speaks=None not in expected)) in expected
    assert not [header for header in headers_told(server) if b"stolen" in header[1] and header[0] == b"cookie"]
    look_after(server)
    assert errors(caplog, raised) == []


WORDS = [b"Cookie: sessionid=stolen", b"Origin: https://a", b"X-Forwarded-For: 6.6.6.6", b"a", b"websocket", b"13", KEY]
BREAKS = [
    b"\r",
    b"\n",
    b"\r\n",
    b"\n\r",
    b"\r\n ",
    b"\r\n\t",
    b"\0",
    b"\x0b",
    b"\x0c",
    b"\x1c",
    b"\x1d",
    b"\x1e",
    b"\x85",
]
BREAKS += [b"\xc2\x85", b"\xe2\x80\xa8", b"\xa0", b":", b",", b";", b"%0d%0a", b"\\r\\n", b'"', b" ", b"\t"]
#: None that would have the server wait for a body.
NAMES = [*HEADERS, b"Cookie", b"Origin", b"X-One", b"X_One", b"X-Forwarded-For", b"Sec-WebSocket-Protocol", b"Accept"]
VALUES = st.lists(st.sampled_from(WORDS) | st.sampled_from(BREAKS) | st.binary(max_size=4), max_size=5).map(b"".join)
LINES = st.builds(
    lambda name, colon, value: name + colon + value,
    st.sampled_from(NAMES) | st.from_regex(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,8}", fullmatch=True) | st.binary(max_size=4),
    st.sampled_from([b": ", b": ", b":", b" : ", b":\t", b""]),
    VALUES,
)


@given(st.sampled_from([request, plain]), st.lists(LINES, max_size=6), st.booleans())
@example(request, [b"X-One: a\x0bCookie: sessionid=stolen"], False)
@example(request, [b"X-One: a\x85Cookie: sessionid=stolen", b"X-Two: b"], True)
@example(request, [b"X-One: a\nCookie: sessionid=stolen"], False)
@example(request, [b"X-One: a\r\n Cookie: sessionid=stolen"], False)
@example(plain, [b"X-One: a\rCookie: sessionid=stolen"], False)
def test_the_application_hears_of_no_header_that_was_not_sent_as_a_line(server, caplog, raised, build, lines, first):
    """D5, CVE-2026-44546"""
    server.app.seen.clear()
    data = build(*lines)
    if first:
        line, _, rest = build().partition(b"\r\n")
        data = b"\r\n".join([line, *lines, rest])
    ended = outcome(ask(server, data))
    assert ended is not None
    # Autobahn reads a handshake once more, and would take these for ends of lines.
    assert ended != 101 or not re.search(rb"[\x0b\x0c\x1c-\x1e]", data.partition(b"\r\n\r\n")[0])
    told = {(name, spaced(value)) for name, value in headers_told(server)}
    assert told <= lines_sent(data)
    look_after(server)
    assert errors(caplog, raised) == []
