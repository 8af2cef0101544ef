"""The handshake: who gets in, what is believed, and what the workers are told (J7)."""

import json

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from relay.layers.inmemory import ChannelLayer
from tests.interface import handshake, masked, read_until, status
from tests.waiting import wait_until


def test_a_worker_is_told_what_a_client_asked_for(serve):
    """D20: Daphne says neither which scheme it was nor where the application is mounted."""
    server = serve(root_path="/mounted")
    with server.socket("/chat/a%20b/?since=1&x=%20", additional_headers={"X-One": "1"}, subprotocols=["a", "b"]):
        connect = server.app.wait_for("websocket.connect")[0]
    assert (connect["path"], connect["query_string"]) == ("/chat/a b/", b"since=1&x=%20")
    assert (connect["scheme"], connect["root_path"], connect["order"]) == ("ws", "/mounted", 0)
    assert [b"x-one", b"1"] in [list(header) for header in connect["headers"]]
    assert connect["client"][0] == connect["server"][0] == "127.0.0.1"
    assert connect["reply_channel"].startswith(server.server.send_channel)


@pytest.mark.parametrize("flag", ["/mounted", "mounted/", None])
def test_whether_a_proxy_leaves_the_root_in_the_path_or_not_is_the_same(serve, settings_override, flag):
    """P4: a socket's routes were compared with a path that has the root, and Django's links had two."""
    settings_override(FORCE_SCRIPT_NAME="/mounted")
    server = serve(**({"root_path": flag} if flag else {}))
    for path in (b"/chat/a/", b"/mounted/chat/a/"):
        assert status(server.request(handshake(path=path))) == 101
        assert status(server.request(b"GET " + path + b" HTTP/1.1\r\nHost: a\r\n\r\n")) == 200
    told = [(one["path"], one["root_path"]) for one in server.app.wait_for("websocket.connect", 2)]
    assert told == [("/chat/a/", "/mounted")] * 2
    told = [(one["path"], one["root_path"]) for one in server.app.wait_for("http.request", 2)]
    assert told == [("/mounted/chat/a/", "/mounted")] * 2
    server.request(b"GET /mounted HTTP/1.1\r\nHost: a\r\n\r\n")
    assert server.app.wait_for("http.request", 3)[2]["path"] == "/mounted"
    server.request(b"GET /mountedly HTTP/1.1\r\nHost: a\r\n\r\n")
    assert server.app.wait_for("http.request", 4)[3]["path"] == "/mounted/mountedly"


def test_a_subprotocol_is_chosen_from_what_both_know(serve):
    """D19: Daphne unquotes the header, and then fails to accept what it has found there."""
    server = serve(ws_protocols=["chat.v2", "chat.v1"])
    with server.socket(subprotocols=["chat.v0", "chat.v1"]) as socket:
        assert socket.subprotocol == "chat.v1"
    assert status(server.request(handshake(b"Sec-WebSocket-Protocol: chat%2Ev1"))) == 101


def test_a_socket_that_the_application_refuses_gets_403_and_nobody_hears_of_its_end(serve):
    """C12: a disconnect for who never came in makes presence go below zero."""
    server = serve()
    server.app.on["websocket.connect"] = lambda message: server.app.reply(message, accept=False)
    with pytest.raises(InvalidStatus) as refused:
        server.socket()
    assert refused.value.response.status_code == 403
    server.app.on["websocket.connect"] = lambda message: server.app.reply(message, close=True)
    assert status(server.request(handshake())) == 403
    server.app.on["websocket.connect"] = lambda message: server.app.reply(message, accept=True)
    with server.socket():
        pass
    assert len(server.app.wait_for("websocket.disconnect")) == 1


def test_a_socket_that_can_not_be_let_in_now_gets_503_and_hears_when_to_come_back(serve):
    """P6: 403 tells a client that to try again is of no use. `close` is what any interface server understands."""
    server = serve()
    server.app.on["websocket.connect"] = lambda message: server.app.reply(message, close=1013)
    with pytest.raises(InvalidStatus) as refused:
        server.socket()
    response = refused.value.response
    assert (response.status_code, response.reason_phrase) == (503, "Service Unavailable")
    assert response.headers["Retry-After"] == "5"
    server.app.on["websocket.connect"] = lambda message: server.app.reply(message, accept=True)
    with server.socket():
        pass
    assert len(server.app.wait_for("websocket.disconnect")) == 1, "the worker knows whom it refused"


def test_a_socket_that_was_let_in_may_be_closed_with_1013_as_well(serve):
    server = serve()
    server.app.on["websocket.connect"] = lambda message: server.app.reply(message, accept=True, close=1013)
    with server.socket() as socket, pytest.raises(ConnectionClosed) as closed:
        socket.recv(timeout=20)
    assert closed.value.rcvd.code == 1013


def test_a_broadcast_does_not_open_a_socket_that_nobody_has_accepted(serve):
    """D2: Daphne accepts a socket with the first thing that is sent to it, also if that is for a group."""
    server = serve()
    asked = []
    server.app.on["websocket.connect"] = asked.append
    with server.raw(handshake()) as connection:
        wait_until(lambda: asked, "the application is asked")
        server.layer.group_add("room", asked[0]["reply_channel"])
        server.layer.send_group("room", {"text": "a secret of the room"})
        server.layer.send_group("room", {"accept": True})
        server.app.reply(asked[0], accept=True, text="welcome")
        answer = read_until(connection, b"welcome")
    assert status(answer) == 101
    assert b"secret" not in answer


def test_what_is_sent_to_a_socket_alone_accepts_it_as_asgi_says(serve):
    server = serve()
    server.app.on["websocket.connect"] = lambda message: server.app.reply(message, text="hello")
    with server.socket() as socket:
        assert socket.recv(timeout=10) == "hello"


def test_an_answer_that_comes_after_the_client_has_left_is_harmless_and_its_end_is_told(serve):
    """A14: the consumer may have put it into groups; it hears of the end after the beginning."""
    server = serve()
    asked = []
    server.app.on["websocket.connect"] = asked.append
    with server.raw(handshake()):
        wait_until(lambda: asked, "the application is asked")
    gone = server.app.wait_for("websocket.disconnect")[0]
    assert gone["reply_channel"] == asked[0]["reply_channel"]
    server.app.reply(asked[0], accept=True)
    server.app.on["websocket.connect"] = lambda message: server.app.reply(message, accept=True)
    with server.socket():
        pass
    assert [channel for channel, _ in server.app.seen[:2]] == ["websocket.connect", "websocket.disconnect"]


@pytest.mark.parametrize("answer", [{"accept": "yes", "txt": 1}, {"accept": True, "text": "a", "bytes": b"b"}])
def test_an_answer_that_is_none_ends_the_handshake_with_an_error(serve, answer, caplog):
    server = serve()
    server.app.on["websocket.connect"] = lambda message: server.app.reply(message, **answer)
    assert status(server.request(handshake())) == 500
    server.app.wait_for("websocket.disconnect")
    assert "can't be handed over" in caplog.text


def test_a_handshake_that_nobody_answers_ends_in_time(serve):
    server = serve(websocket_connect_timeout=1)
    server.app.on["websocket.connect"] = lambda message: None
    assert status(server.request(handshake())) == 503
    server.app.wait_for("websocket.disconnect")


def test_a_handshake_may_take_any_time_if_that_is_said(serve):
    """D8, D9: Daphne rejects at once; and Autobahn has a limit of its own, which nobody can set."""
    server = serve(websocket_connect_timeout=-1, websocket_handshake_timeout=1)
    asked = []
    server.app.on["websocket.connect"] = asked.append
    with server.raw(handshake()) as connection:
        wait_until(lambda: asked, "the application is asked")
        [protocol] = server.protocols()
        wait_until(lambda: protocol.duration() > 2.2, "twice Autobahn's limit has passed")
        server.call(protocol.check)
        server.app.reply(asked[0], accept=True)
        assert status(read_until(connection, b"\r\n\r\n")) == 101


@pytest.mark.parametrize("bad", [b"\x0b", b"\x0c", b"\x1c", b"\x1d", b"\x1e", b"\x01", b"\x7f"])
def test_a_header_can_not_smuggle_in_another(serve, bad):
    """D5, CVE-2026-44546: Autobahn takes these bytes for the end of a line."""
    server = serve()
    smuggled = handshake(b"X-Harmless: a" + bad + b"Cookie: sessionid=stolen")
    assert status(server.request(smuggled)) == 400
    assert server.app.seen == []


def test_a_header_of_the_handshake_itself_can_not_smuggle_in_another(serve):
    """D5: also not by U+0085, which others may contain."""
    server = serve()
    assert status(server.request(handshake(b"Origin: http://localhost\x85Cookie: sessionid=stolen"))) == 400
    assert server.app.seen == []


@pytest.mark.parametrize(
    "header",
    [
        "Cookie: a=é",
        "Cookie: city=Århus",
        "Cookie: name=日本",
        "Cookie: m=\U0001f605",
        "User-Agent: App (Åland)",
        "X-Name: Åsa",
        "X-Harmless: a\x85Cookie: sessionid=stolen",
    ],
)
def test_a_header_that_is_not_the_handshakes_own_reaches_the_application_as_it_came(serve, header):
    """S4"""
    server = serve()
    assert status(server.request(handshake(header.encode()))) == 101
    name, _, value = header.encode().partition(b": ")
    assert [name.lower(), value] in server.app.wait_for("websocket.connect")[0]["headers"]


@pytest.mark.parametrize(
    ("raw", "channel"), [(handshake, "websocket.connect"), (lambda *more: page(*more), "http.request")]
)
def test_cookies_in_several_headers_are_one(serve, raw, channel):
    """S8"""
    server = serve()
    server.request(raw(b"Cookie: a=1", b"X-Other: x", b"Cookie: b=2; c=3"))
    headers = server.app.wait_for(channel)[0]["headers"]
    assert [value for name, value in headers if name == b"cookie"] == [b"a=1; b=2; c=3"]


def page(*headers, line=b"GET /page HTTP/1.1", host=b"Host: localhost"):
    return b"\r\n".join([line, *filter(None, [host]), *headers, b"", b""])


@pytest.mark.parametrize("host", [b"Host: localhost", b"Host: other"])
@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"http://a.example:81/page?x=1", "/page", b"x=1"),
        (b"HTTPS://a.example:81", "/", b""),
        (b"http://a.example:81?x", "/", b"x"),
    ],
)
def test_the_target_may_be_a_whole_url_whose_host_counts(serve, target, path, query, host):
    """S10"""
    server = serve()
    assert status(server.request(page(line=b"GET %s HTTP/1.1" % target, host=host))) == 200
    [request] = server.app.messages("http.request")
    assert (request["path"], request["query_string"]) == (path, query)
    assert [value for name, value in request["headers"] if name == b"host"] == [b"a.example:81"]


@pytest.mark.parametrize("host", [b"", b"Host: a\r\nHost: a"])
def test_a_request_is_for_one_host(serve, host):
    """S10"""
    server = serve()
    assert status(server.request(page(host=host))) == 400
    assert server.app.seen == []


def test_the_origin_is_compared_with_the_host_that_counts(serve):
    server = serve()
    headers = handshake(b"Origin: http://localhost").replace(b"GET / ", b"GET http://other/ ")
    assert status(server.request(headers)) == 403


@pytest.mark.parametrize("header", [b"Host: other", b"Origin: https://a\r\nOrigin: https://b"])
def test_a_header_that_may_come_once_does_not_come_twice(serve, header):
    server = serve()
    assert status(server.request(handshake(header))) == 400
    assert server.app.seen == []


def test_headers_that_only_a_proxy_may_set_are_not_believed(serve):
    """D24: any client could choose where the application is mounted."""
    server = serve(root_path="/mine")
    assert status(server.request(handshake(b"Daphne-Root-Path: /evil", b"X_Forwarded_For: 1.2.3.4"))) == 101
    connect = server.app.wait_for("websocket.connect")[0]
    assert connect["root_path"] == "/mine"
    assert not {b"daphne-root-path", b"x_forwarded_for"} & {name for name, _ in map(tuple, connect["headers"])}
    assert status(server.request(b"GET / HTTP/1.1\r\nHost: a\r\nDaphne-Root-Path: /evil\r\n\r\n")) == 200
    assert server.app.wait_for("http.request")[0]["root_path"] == "/mine"


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (None, 101),
        (b"http://localhost", 101),
        (b"https://localhost", 101),
        (b"https://friend.example", 101),
        (b"https://evil.example", 403),
        (b"http://localhost:8080", 403),
        (b"https://localhost.evil.example", 403),
        (b"http://friend.example", 403),
        (b"null", 403),
        (b"file://", 403),
    ],
)
def test_only_pages_of_this_server_and_those_that_are_named_may_open_sockets(
    serve, settings_override, origin, expected, caplog
):
    """F1: cookies come with any page's handshake."""
    settings_override(RELAY_ALLOWED_ORIGINS=["https://friend.example"])
    server = serve()
    assert status(server.request(handshake(*([] if origin is None else [b"Origin: " + origin])))) == expected
    assert ("RELAY_ALLOWED_ORIGINS" in caplog.text) == (expected == 403)
    assert bool(server.app.messages("websocket.connect")) == (expected == 101)


def test_frames_that_come_before_the_handshake_is_answered_are_read_after_it(serve):
    """And bytes that look like another handshake do not begin one."""
    server = serve()
    asked = []
    server.app.on["websocket.connect"] = asked.append
    with server.raw(handshake()) as connection:
        wait_until(lambda: asked, "the application is asked")
        connection.sendall(masked(b"GET / HTTP/1.1\r\n\r\n"))
        server.app.reply(asked[0], accept=True)
        read_until(connection, b"\r\n\r\n")
        assert server.app.wait_for("websocket.receive")[0]["text"] == "GET / HTTP/1.1\r\n\r\n"
    assert len(asked) == 1


def test_who_floods_before_the_handshake_is_answered_is_cut_off(serve):
    server = serve()
    server.app.on["websocket.connect"] = lambda message: None
    with server.raw(handshake()) as connection:
        server.app.wait_for("websocket.connect")
        with pytest.raises(OSError, match=r"reset|Broken"):
            connection.sendall(bytes(64_000_000))


def test_a_frame_of_eight_megabytes_closes_its_socket_and_says_why(serve, monkeypatch):
    """D4, CVE-2026-44545: Daphne takes any size."""
    monkeypatch.setattr("relay.http_factory.CLOSING_TIME", 1000)
    server = serve()
    with server.socket() as socket:
        socket.send("x" * 8_000_000)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=10)
    assert closed.value.rcvd.code == 1009
    assert server.app.messages("websocket.receive") == []


def test_a_full_queue_refuses_a_handshake_and_nobody_hears_of_its_end(serve):
    server = serve(ChannelLayer(channel_capacity={"websocket.connect": 0}))
    assert status(server.request(handshake())) == 503
    wait_until(lambda: server.protocols() == [], "it is forgotten")
    assert server.app.messages("websocket.disconnect") == []


def test_more_sockets_than_allowed_are_refused(serve, settings_override):
    """D27"""
    settings_override(RELAY_MAX_SOCKETS=1)
    server = serve()
    with server.socket():
        assert status(server.request(handshake())) == 503
    wait_until(lambda: server.protocols() == [], "it is gone")
    with server.socket():
        pass


@pytest.mark.parametrize(
    ("options", "headers", "expected"),
    [
        ({}, [b"X-Forwarded-For: 1.1.1.1"], "127.0.0.1"),
        ({"proxy_forwarded_address_header": "X-Forwarded-For"}, [b"X-Forwarded-For: 6.6.6.6, 1.1.1.1"], "1.1.1.1"),
        (
            {"proxy_forwarded_address_header": "X-Forwarded-For", "forwarded_allow_ips": ["10.0.0.0/8"]},
            [b"X-Forwarded-For: 1.1.1.1"],
            "127.0.0.1",
        ),
    ],
)
def test_a_client_does_not_choose_its_address(serve, options, headers, expected):
    """D23: Daphne takes the first address of the list, which anybody may have written, from any peer."""
    server = serve(**options)
    assert status(server.request(handshake(*headers))) == 101
    assert server.app.wait_for("websocket.connect")[0]["client"][0] == expected


def test_the_session_key_and_tokens_in_a_url_reach_no_log(serve, caplog):
    """D25, F2"""
    lines = []
    server = serve(verbosity=2, action_logger=lambda *args: lines.append(json.dumps(args)))
    caplog.set_level("DEBUG")
    assert status(server.request(handshake(path=b"/chat/a/?session_key=hush&token=hush"))) == 101
    assert status(server.request(handshake(path=b"//[?session_key=hush"))) == 400
    server.request(b"GET /page?token=hush HTTP/1.1\r\nHost: a\r\n\r\n")
    wait_until(lambda: len(lines) >= 4, "all is logged")
    assert any("/page" in line for line in lines)
    assert "hush" not in "".join(lines) + caplog.text


def test_what_goes_wrong_in_a_handshake_is_logged_here_and_not_told_there(serve, monkeypatch, caplog):
    """D22"""
    server = serve()
    monkeypatch.setattr(server.server.factory.origins, "allow", lambda *args: 1 / 0)
    answer = server.request(handshake())
    assert status(answer) == 500
    assert b"division" not in answer
    assert "ZeroDivisionError" in caplog.text
