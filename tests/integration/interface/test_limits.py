"""How long a request may take to come in, how many connections there may be, and logs that can't be written."""

import errno
import os
import re
import resource
import socket
import time

import pytest

from relay.http_channel import RESERVE, connection_limit
from tests.interface import GET, handshake, read_until, status
from tests.waiting import wait_until

#: A request whose body is said to be longer than what has come of it.
BEGUN = b"POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc"


def channels(server):
    return server.server.factory.channels


def pass_time(server, seconds):
    """Let the server look at its connections as it will in so many seconds."""
    server.call(lambda: channels(server).check(time.monotonic() + seconds))


def ended(connection):
    """What comes until the end of a connection."""
    return read_until(connection, b"nothing that would come")


@pytest.mark.parametrize("begun", [GET[:-2], handshake()[:-2]], ids=["request", "handshake"])
def test_a_head_that_does_not_end_is_ended(serve, begun):
    """S9: Twisted's time-out starts anew with each byte, and 60 that drip fill the descriptors."""
    server = serve()
    with server.raw(begun[:-3]) as slow:
        wait_until(lambda: [each for each in channels(server).open if each._buffer or each.requests], "it has come")
        pass_time(server, 10)
        slow.sendall(begun[-3:])
        pass_time(server, 19)
        assert channels(server).slow == 0
        pass_time(server, 21)
        assert status(ended(slow)) == 408
    assert "RELAY_REQUEST_TIMEOUT" in next(text for text, count in server.server.counts().items() if count)


def test_a_connection_that_says_nothing_is_ended_without_a_word(serve):
    """Browsers connect ahead, and would take a status for the answer to what they ask next."""
    server = serve()
    with server.raw() as silent:
        wait_until(lambda: channels(server).open, "it is connected")
        pass_time(server, 21)
        assert ended(silent) == b""


def test_an_idle_connection_has_its_time_and_the_next_head_has_its_own(serve):
    server = serve()
    with server.raw(GET) as kept:
        read_until(kept, b"/page")
        [channel] = channels(server).open
        assert 50 < server.call(lambda: channel._TimeoutMixin__timeoutCall.getTime() - time.time()) <= 60
        pass_time(server, 50)
        kept.sendall(GET[:20])
        wait_until(lambda: channel.head_since, "it begins")
        pass_time(server, 21)
        assert status(ended(kept)) == 408


def test_a_body_goes_on_as_long_as_it_makes_progress(serve):
    server = serve()
    with server.raw(BEGUN) as slow:
        [channel] = wait_until(lambda: [each for each in channels(server).open if each.body_since], "it comes")
        for count in (1, 2, 3):
            slow.sendall(b"x" * 20_000)
            wait_until(lambda count=count: channel.requests[0].received == 3 + count * 20_000, "more has come")
            server.call(lambda: setattr(channel, "body_since", time.monotonic() - 21))
            pass_time(server, 0)
        assert channels(server).slow == 0
        server.call(lambda: setattr(channel, "body_since", time.monotonic() - 21))
        pass_time(server, 0)
        assert status(ended(slow)) == 408, "it drips"
    assert server.app.messages("http.request") == []


def test_a_body_that_we_do_not_read_is_not_slow(serve):
    server = serve()
    with server.raw(BEGUN) as paused:
        [channel] = wait_until(lambda: [each for each in channels(server).open if each.body_since], "it comes")
        server.call(channel.transport.pauseProducing)
        paused.sendall(b"more")
        wait_until(lambda: server.call(channel.unread), "more is there")
        pass_time(server, 21)
        assert channels(server).slow == 0


def test_connections_have_a_limit_with_sockets_among_them(serve, settings_override):
    """S9: RELAY_MAX_SOCKETS counts sockets only."""
    settings_override(RELAY_MAX_CONNECTIONS=2)
    server = serve()
    with server.socket(), server.raw(GET) as second:
        read_until(second, b"/page")
        refused = server.request(b"", until=b"nothing that would come")
        assert status(refused) == 503
        assert b"Retry-After" in refused
        second.sendall(GET)
        assert status(read_until(second, b"/page")) == 200, "who is there stays"
    wait_until(lambda: not channels(server).open and not server.protocols(), "they are gone")
    assert status(server.request(GET)) == 200
    said = [text for text, count in server.server.counts().items() if count]
    assert ["RELAY_MAX_CONNECTIONS" in text for text in said] == [True]


def test_connections_leave_room_for_what_else_the_server_opens(monkeypatch, settings_override):
    for descriptors, expected in ((1024, 1024 - RESERVE), (64, 32), (resource.RLIM_INFINITY, 0)):
        monkeypatch.setattr(resource, "getrlimit", lambda which, soft=descriptors: (soft, soft))
        assert connection_limit() == expected
    settings_override(RELAY_MAX_CONNECTIONS=0)
    assert connection_limit() == 0


def test_requests_that_come_at_once_have_a_turn_each(serve):
    """S1: Twisted answers whatever comes in one piece before it looks at another connection."""
    server = serve()
    with server.raw() as crowd:
        wait_until(lambda: channels(server).open, "it is connected")
        [channel] = channels(server).open

        def hand_over():
            channel.dataReceived(b"GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n" * 100)
            return channel._buffer.count(b"GET")

        assert server.call(hand_over) == 99, "one was answered"
        answers = b""
        while answers.count(b"HTTP/1.1 400") < 100:
            answers += crowd.recv(65536)
        crowd.sendall(GET)
        assert b"HTTP/1.1 200" in read_until(crowd, b"/page"), "it is read again"
    with server.raw(GET * 3) as three:
        answer = b""
        while answer.count(b"HTTP/1.1 200") < 3:
            answer += three.recv(65536)


def test_who_reads_no_answers_is_not_read(serve):
    """S1: what comes behind a request that is being answered would be kept, without limit."""
    server = serve()
    server.app.on["http.request"] = lambda message: None
    with server.raw(GET) as greedy:
        server.app.wait_for("http.request")
        [channel] = channels(server).open
        server.call(channel.pauseProducing)
        greedy.settimeout(2)
        with pytest.raises(socket.timeout):
            greedy.sendall(bytes(64 << 20))
        assert sum(map(len, channel._dataBuffer)) < 100_000


class FullLog:
    """An access log on a full disk."""

    def __call__(self, protocol, action, details):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_log_that_cannot_be_written_fails_nobody(serve, caplog):
    """S7: every handshake was answered 500."""
    server = serve(action_logger=FullLog())
    assert status(server.request(GET)) == 200
    with server.socket() as one:
        one.send("hi")
        server.app.wait_for("websocket.receive")
    server.app.wait_for("websocket.disconnect")
    server.app.on["websocket.connect"] = lambda message: server.app.reply(message, accept=False)
    assert status(server.request(handshake())) == 403
    said = [record for record in caplog.records if "access log can't be written" in record.getMessage()]
    assert len(said) == 1
    assert server.server.counts()["lines could not be written to the access log"] >= 4


@pytest.mark.parametrize("length", [b"99999999999999999999", b"9" * 5000, b"1" * 18])
def test_a_length_beyond_all_limits_is_answered_at_once(serve, length):
    """S10"""
    head = b"POST /page HTTP/1.1\r\nHost: a\r\nContent-Length: %s\r\n\r\n" % length
    assert re.match(rb"HTTP/1.1 413 ", serve().request(head))
