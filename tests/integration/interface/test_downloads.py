"""Long responses through the interface server, from workers that can't be slowed down."""

import time

import pytest
from twisted.web import http

from tests.interface import GET, read_until
from tests.waiting import wait_until

SIZE = 8_000_000


def answer_at_once(server, parts=1):
    """Have the application send a whole response, whoever reads it."""

    def send(message):
        server.app.reply(message, status=200, headers=[(b"Content-Length", b"%d" % SIZE)], more_content=True)
        for number in range(parts):
            server.app.reply(message, content=bytes(SIZE // parts), more_content=number < parts - 1)

    server.app.on["http.request"] = send


def test_the_idle_time_limit_of_a_connection_begins_when_all_has_left(serve, monkeypatch):
    """S3: it began when the last byte was handed to the transport, and cut off who was slow."""
    monkeypatch.setattr(http.HTTPChannel, "abortTimeout", 0.2)
    server = serve()
    server.server.factory.timeOut = 0.2
    answer_at_once(server)
    with server.raw(GET) as connection:
        server.app.wait_for("http.request")
        # Longer than both limits.
        time.sleep(2)
        answer = read_until(connection, b"never")
    assert len(answer.partition(b"\r\n\r\n")[2]) == SIZE


def test_a_worker_that_can_not_be_slowed_down_is_cut_off_at_a_limit(serve, settings_override, caplog):
    settings_override(RELAY_MAX_WAITING_BYTES=1_000_000)
    server = serve()
    answer_at_once(server, parts=40)
    with server.raw(GET) as connection:
        wait_until(lambda: "it is cut off" in caplog.text, "it is cut off")
        with pytest.raises(ConnectionResetError):
            read_until(connection, b"never")
    assert "RELAY_MAX_WAITING_BYTES" in caplog.text


def test_a_client_that_does_not_read_is_cut_off_and_the_log_has_what_was_sent(serve, settings_override, caplog):
    """S3: the log said 200, with the whole size."""
    settings_override(RELAY_READ_TIMEOUT=0.5)
    server = serve()
    lines = []
    server.call(lambda: setattr(server.server.factory, "action_logger", lambda *line: lines.append(line)))
    answer_at_once(server)
    with server.raw(GET):
        wait_until(lambda: "RELAY_READ_TIMEOUT" in caplog.text, "it is cut off")
        wait_until(lambda: lines, "its line is in the log")
    assert 0 < lines[0][2]["size"] < SIZE
