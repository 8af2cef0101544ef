"""An interface server goes away (D13)."""

import json
import threading
from socket import create_connection

import pytest
from websockets.exceptions import ConnectionClosed

from tests.interface import GET, handshake, read_until
from tests.waiting import FACTOR, wait_until


@pytest.fixture
def drain(settings_override):
    """A function that drains a server in the background; its thread ends with it."""
    settings_override(RELAY_RECONNECT_TEXT='{"after": %(after).3f}', RELAY_RECONNECT_AFTER=2, RELAY_RECONNECT_RATE=10)

    def begin(server):
        thread = threading.Thread(target=lambda: server.call(server.server.drain.run), daemon=True)
        thread.start()
        return thread

    return begin


def test_each_socket_is_told_its_own_time_and_closed_with_1012(serve, drain):
    server = serve()
    sockets = [server.socket() for _ in range(5)]
    ending = drain(server)
    times = []
    for socket in sockets:
        times.append(json.loads(socket.recv(timeout=10))["after"])
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
        assert closed.value.rcvd.code == 1012
    ending.join(10)
    assert sorted(times) == [2.0, 2.1, 2.2, 2.3, 2.4]
    gone = server.app.wait_for("websocket.disconnect", 5)
    assert [message["code"] for message in gone] == [1012] * 5


def test_nobody_is_let_in_any_more_and_requests_are_finished(serve, drain):
    server = serve()
    asked = []
    server.app.on["http.request"] = asked.append
    server.app.on["websocket.connect"] = asked.append
    port = server.port
    with server.raw(GET) as request, server.raw(handshake()) as pending:
        wait_until(lambda: len(asked) == 2, "both are with the workers")
        ending = drain(server)
        assert read_until(pending, b"\r\n\r\n").startswith(b"HTTP/1.1 503")
        with pytest.raises(ConnectionRefusedError):
            create_connection(("127.0.0.1", port))
        [waiting] = [message for message in asked if "method" in message]
        server.app.reply(waiting, status=200, content=b"finished")
        assert read_until(request, b"finished").startswith(b"HTTP/1.1 200")
        ending.join(10)
        assert not ending.is_alive()


def test_who_came_just_before_the_end_is_not_hung_up_on(serve, monkeypatch):
    """A proxy has connected and said what it wants, and the server has not looked yet."""
    monkeypatch.setattr("relay.drain.LAST_ENTRY", 1 * FACTOR)
    server = serve()
    came = []

    def drain_as_they_come():
        # In the reactor's thread: meanwhile nobody is accepted.
        came.extend([server.raw(GET), server.raw(handshake())])
        return server.server.drain.run()

    ending = threading.Thread(target=lambda: server.call(drain_as_they_come), daemon=True)
    ending.start()
    wait_until(lambda: len(came) == 2, "they have come")
    request, socket = came
    with request, socket:
        assert read_until(request, b"/page").startswith(b"HTTP/1.1 200")
        assert read_until(socket, b"\r\n\r\n").startswith(b"HTTP/1.1 101")
    ending.join(10 * FACTOR)
    assert not ending.is_alive()


def test_who_is_just_being_let_in_is_let_in_and_told_to_come_back(serve, drain):
    """Through a proxy a 503 would reach the client, though another server is there."""
    server = serve()
    asked = []
    server.app.on["websocket.connect"] = asked.append
    with server.raw(handshake()) as socket:
        wait_until(lambda: asked, "a worker has it")
        ending = drain(server)
        wait_until(lambda: server.server.factory.closing, "nobody else is let in")
        server.app.reply(asked[0], accept=True)
        answer = read_until(socket, (1012).to_bytes(2, "big"))
    assert answer.startswith(b"HTTP/1.1 101")
    assert b'{"after": 2.000}' in answer
    ending.join(10 * FACTOR)


def test_what_was_said_before_the_end_reaches_the_workers_and_the_end_too(serve, drain):
    server = serve()
    go = threading.Event()
    server.app.on["websocket.receive"] = lambda message: go.wait(30)
    with server.socket() as socket:
        for n in range(20):
            socket.send(str(n))
        wait_until(lambda: server.app.messages("websocket.receive"), "the first has come")
        ending = drain(server)
        go.set()
        ending.join(20)
    assert not ending.is_alive()
    server.app.wait_for("websocket.disconnect")
    assert [message["text"] for message in server.app.messages("websocket.receive")] == [str(n) for n in range(20)]


def test_who_does_not_go_is_cut_off_and_its_end_is_told(serve, drain, settings_override, caplog):
    settings_override(RELAY_DRAIN_TIMEOUT=0.5)
    server = serve()
    with server.raw(handshake()) as connection:
        read_until(connection, b"\r\n\r\n")
        drain(server).join(20)
        assert server.app.wait_for("websocket.disconnect")[0]["code"] == 1006
    assert "1 connections did not end in time" in caplog.text


def test_a_layer_that_takes_nothing_does_not_keep_a_server_from_ending(
    serve, drain, settings_override, monkeypatch, caplog
):
    settings_override(RELAY_DRAIN_TIMEOUT=0.5)
    server = serve()
    stuck = threading.Event()
    with server.socket():
        monkeypatch.setattr(server.layer, "_send", lambda outgoing: stuck.wait(60) and [])
        ending = drain(server)
        ending.join(20)
        assert not ending.is_alive()
    stuck.set()
    assert "could not be sent in time and are lost" in caplog.text


def test_a_second_signal_waits_for_nobody_but_tells_of_all(serve, drain):
    server = serve()
    with server.raw(handshake()) as connection:
        read_until(connection, b"\r\n\r\n")
        ending = drain(server)
        read_until(connection, b"after")
        wait_until(lambda: server.protocols()[0].state == server.protocols()[0].STATE_CLOSING, "it waits for an answer")
        server.call(server.server.drain.hurry)
        ending.join(3 * FACTOR)
        assert not ending.is_alive()
    assert server.app.wait_for("websocket.disconnect")[0]["code"] == 1006


def test_a_connection_that_is_kept_alive_gets_no_more_than_503(serve, drain):
    server = serve()
    asked = []
    server.app.on["http.request"] = asked.append
    with server.raw(GET) as slow, server.raw(GET) as kept:
        wait_until(lambda: len(asked) == 2, "both are with the workers")
        server.app.reply(asked[1], status=200, content=b"first")
        free, other = (kept, slow) if asked[1]["client"][1] == kept.getsockname()[1] else (slow, kept)
        read_until(free, b"0\r\n\r\n")
        ending = drain(server)
        wait_until(lambda: server.server.factory.closing, "it has begun")
        free.sendall(GET)
        answer = read_until(free, b"never")
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"Connection: close" in answer
        server.app.reply(asked[0], status=200, content=b"second")
        assert b"Connection: close" in read_until(other, b"never")
        ending.join(10)
    assert len(asked) == 2


def test_a_response_is_written_to_its_end(serve, drain):
    server = serve()
    body = bytes(3_000_000)
    asked = []
    server.app.on["http.request"] = asked.append
    with server.raw(GET) as connection:
        wait_until(lambda: asked, "a worker has it")
        ending = drain(server)
        wait_until(lambda: server.server.factory.closing, "it has begun")
        server.app.reply(asked[0], status=200, content=body, headers=[(b"Content-Length", b"3000000")])
        wait_until(lambda: server.protocols()[0].reply_begun, "it is answered")
        assert ending.is_alive()
        answer = read_until(connection, b"never")
        assert answer.endswith(body)
        ending.join(10)
    assert not ending.is_alive()


def is_closed_without_a_word(server, drain):
    """Whether the end of a socket's server is a close with 1012 and nothing before it."""
    with server.socket() as socket:
        drain(server)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    return closed.value.rcvd.code == 1012


@pytest.mark.parametrize("text", ["100%", "%(later)s"])
def test_a_text_that_can_not_be_filled_in_keeps_nobody(serve, drain, settings_override, text, caplog):
    settings_override(RELAY_RECONNECT_TEXT=text)
    server = serve()
    assert is_closed_without_a_word(server, drain)
    assert "RELAY_RECONNECT_TEXT" in caplog.text


def test_without_a_text_sockets_are_only_closed(serve, drain, settings_override):
    settings_override(RELAY_RECONNECT_TEXT=None)
    server = serve()
    assert is_closed_without_a_word(server, drain)
