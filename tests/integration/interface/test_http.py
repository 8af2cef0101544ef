"""HTTP through the interface server: limits, clients that leave, responses that take long or can't be written."""

import pytest

from relay.layers.inmemory import ChannelLayer
from tests.interface import GET, handshake, read_until, status
from tests.waiting import wait_until


def post(body, *headers):
    lines = [b"POST /page HTTP/1.1", b"Host: a", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


def look(server):
    """What happens every two seconds."""
    server.call(server.server.timeout_checker)


def test_a_request_is_told_and_answered(serve):
    server = serve()
    answer = server.request(
        b"GET /a%20b?x=1 HTTP/1.1\r\nHost: a\r\nCookie: c=d\r\nX-Two: 1\r\nX-Two: 2\r\n\r\n", b"/a b"
    )
    [request] = server.app.messages("http.request")
    assert status(answer) == 200
    assert (request["method"], request["path"], request["query_string"]) == ("GET", "/a b", b"x=1")
    assert (request["scheme"], request["http_version"], request["body"]) == ("http", "1.1", b"")
    assert [value for name, value in map(tuple, request["headers"]) if name == b"x-two"] == [b"1", b"2"]


def test_a_request_that_was_answered_is_not_told_of_again(serve):
    """D16: Daphne sends http.disconnect for each, nobody reads it, and its queue is always full."""
    server = serve()
    with server.raw() as connection:
        for _ in range(3):
            connection.sendall(GET)
            read_until(connection, b"/page")
    with server.socket():
        pass
    server.app.wait_for("websocket.disconnect")
    assert server.app.messages("http.disconnect") == []


def test_a_body_within_the_limit_reaches_the_workers_whole(serve, settings_override):
    settings_override(RELAY_MAX_BODY_BYTES=300_000)
    server = serve()
    body = bytes(range(256)) * 1000
    assert status(server.request(post(body))) == 200
    assert server.app.messages("http.request")[0]["body"] == body


@pytest.mark.parametrize("chunked", [False, True])
def test_a_larger_body_is_refused_and_the_connection_goes_on(serve, settings_override, chunked):
    """E1: Daphne and Channels take any size."""
    settings_override(RELAY_MAX_BODY_BYTES=1000)
    server = serve()
    body = b"x" * 1001
    data = post(body)
    if chunked:
        data = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + body + b"\r\n0\r\n\r\n"
    with server.raw(data) as connection:
        answer = read_until(connection, b"</html>")
        assert status(answer) == 413
        assert b"RELAY_MAX_BODY_BYTES" in answer
        connection.sendall(GET)
        assert status(read_until(connection, b"/page")) == 200
    assert len(server.app.messages("http.request")) == 1


def test_a_body_without_end_is_cut_off(serve, settings_override):
    settings_override(RELAY_MAX_BODY_BYTES=1000)
    server = serve()
    connection = server.raw(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4000000\r\n")
    with connection, pytest.raises(OSError, match=r"reset|Broken"):
        connection.sendall(bytes(0x4000000))
    assert server.app.messages("http.request") == []


def test_a_client_that_leaves_is_forgotten_and_who_works_for_it_may_hear_of_it(serve):
    server = serve()
    asked = []
    server.app.on["http.request"] = asked.append
    with server.raw(GET):
        wait_until(lambda: asked, "a worker has it")
    gone = server.app.wait_for("http.disconnect")[0]
    assert gone == {"reply_channel": asked[0]["reply_channel"], "path": "/page"}
    server.app.reply(asked[0], status=200, content=b"too late")
    wait_until(lambda: server.server.fanout.late == 1, "the response is dropped")
    assert server.protocols() == []


def test_a_request_that_no_worker_answers_gets_503(serve):
    server = serve(http_timeout=0.1)
    server.app.on["http.request"] = lambda message: None
    answer = server.request(GET, b"</html>")
    assert status(answer) == 503
    assert b"No worker answered in time" in answer


def test_a_request_that_nobody_can_take_gets_503_at_once(serve):
    server = serve(ChannelLayer(channel_capacity={"http.request": 0}))
    assert status(server.request(GET)) == 503


def test_when_too_much_waits_for_the_layer_requests_and_handshakes_are_refused_at_once(serve, settings_override):
    settings_override(RELAY_MAX_WAITING_BYTES=0)
    server = serve()
    assert status(server.request(GET)) == 503
    assert status(server.request(handshake())) == 503


def test_a_streaming_response_may_take_longer_than_the_time_out_as_long_as_it_goes_on(serve):
    """D1: Daphne tries to answer 503 in its middle, and then never pings and never times out anybody again."""
    server = serve(http_timeout=30)
    parts = [b"one", b"two", b"three", b"four"]
    asked = []
    server.app.on["http.request"] = asked.append
    with server.raw(GET) as connection:
        wait_until(lambda: asked, "a worker has it")
        server.app.reply(asked[0], status=200, more_content=True)
        for part in parts:
            # As if that long had passed: in all it is longer than the time-out.
            server.call(lambda: pass_time(server.protocols()[0], 20))
            look(server)
            server.app.reply(asked[0], content=part, more_content=True)
            assert part in read_until(connection, part)
        server.app.reply(asked[0], content=b"")
        assert read_until(connection, b"0\r\n\r\n").endswith(b"0\r\n\r\n")


def pass_time(protocol, seconds):
    protocol.active -= seconds


def test_a_response_that_stops_in_its_middle_is_broken_off_and_others_are_looked_after(serve, caplog):
    """D1"""
    server = serve(http_timeout=0.3, ping_interval=0.1)
    server.app.on["http.request"] = lambda message: server.app.reply(
        message, status=200, content=b"the beginning", more_content=True
    )
    with server.raw(GET) as connection, server.socket() as socket:
        answer = read_until(connection, b"the beginning")
        with pytest.raises(ConnectionResetError):
            connection.recv(100)
        assert status(answer) == 200
        assert socket.ping().wait(10)
    assert "stopped in its middle" in caplog.text


@pytest.mark.parametrize(
    "response",
    [
        {"status": 200, "headers": [["X-Number", 5]]},
        {"status": 200, "headers": 7},
        {"status": "fine"},
        {"content": b"no status"},
        {"status": 200, "content": 5},
    ],
)
def test_a_response_that_can_not_be_written_is_an_error_at_once(serve, response):
    """E4: with Daphne the client waits for the time-out, and then the server is broken (D1)."""
    server = serve()
    server.app.on["http.request"] = lambda message: server.app.reply(message, **response)
    answer = server.request(GET, b"</html>")
    assert status(answer) == 500
    server.app.on["http.request"] = lambda message: server.app.reply(message, status=204)
    assert status(server.request(GET)) == 204


def test_a_second_response_breaks_off_the_first(serve):
    server = serve()

    def answer_twice(message):
        server.app.reply(message, status=200, content=b"one", more_content=True)
        server.app.reply(message, status=200, content=b"two")

    server.app.on["http.request"] = answer_twice
    with server.raw(GET) as connection, pytest.raises(ConnectionResetError):
        assert b"two" not in read_until(connection, b"never")


@pytest.mark.parametrize("path", [b"/a%0aFAKE", b"/%00", b"/%1b[31m", b"/%c2%85"])
def test_a_path_that_would_forge_lines_in_a_log_is_refused(serve, path):
    """E6, CVE-2025-48432. A handshake is taken, so that the application can say what is wrong; its log is ours."""
    lines = []
    server = serve(action_logger=lambda *args: lines.append(args[2]["path"]))
    assert status(server.request(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")) == 400
    assert server.app.seen == []
    assert status(server.request(handshake(path=path))) == 101
    assert set(lines) == {path.decode()}


def test_a_content_type_that_takes_long_to_parse_is_refused(serve):
    """E10"""
    server = serve()
    assert status(server.request(post(b"x", b"Content-Type: text/plain" + b";" * 2000))) == 400
    assert server.app.seen == []


def test_an_answer_without_a_body_and_a_head_request_work(serve):
    server = serve()
    assert server.request(b"HEAD /page HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", b"never").endswith(
        b"\r\n\r\n"
    )
