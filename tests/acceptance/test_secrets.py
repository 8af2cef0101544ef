"""A deployment whose every setting and every client has a secret, in trouble, and as talkative as it can be."""

import json
from socket import create_connection

import pytest
import redis
import requests
from django.contrib.sessions.models import Session
from django.db import connection as database_connection
from websockets.exceptions import InvalidStatus

from chatapp.models import ChatMessage
from tests.acceptance.test_promises import log_in
from tests.interface import handshake, masked, read_until
from tests.secrets import HUSH, keep, watch
from tests.services import RedisServer
from tests.waiting import FACTOR, wait_until

pytestmark = [pytest.mark.timeout(120 * FACTOR), pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)]

SETTINGS = {
    "CHAT_NOTIFICATION_BACKENDS": "socket,webhook",
    "CHAT_WEBHOOK_URL": "http://127.0.0.1:9/%s/hook" % HUSH,
    "CHAT_WEBHOOK_SECRET": HUSH,
    "CHAT_RETRY_AFTER": "0.1",
    "EMAIL_URL": "smtp://mailer:%s@127.0.0.1:9" % HUSH,
    "ALLOWED_HOSTS": "127.0.0.1",
}
WEB = "python -m relay.daphne -v 3 --proxy-headers --bind 127.0.0.1 --port $PORT project.asgi:channel_layer"


class GuardedRedis(RedisServer):
    """One that wants a password."""

    def start(self):
        super().start()
        redis.Redis.from_url(self.url).config_set("requirepass", HUSH)


@pytest.fixture
def guarded_redis(tmp_path):
    server = GuardedRedis(tmp_path)
    yield server
    server.kill()


def test_nothing_secret_is_logged_whatever_goes_wrong(deployment, database, guarded_redis, alice, bob):
    """D25, F2, E6"""
    redis_url = guarded_redis.url.replace("://", "://:%s@" % HUSH)
    database_url = database.replace("postgres@", "postgres:%s@" % HUSH)
    chat = deployment(**SETTINGS, REDIS_URL=redis_url, DATABASE_URL=database_url).start_all(
        web=WEB, worker="python manage.py runworker -v 3", workers=1
    )
    carol = log_in(chat, "carol", HUSH + "-carol")
    key = keep(Session.objects.get().session_key)
    tokens = api(chat, "token", {"username": "alice", "password": "correct horse"}).json()
    knock(chat, carol, key, tokens)
    talk(chat, key, tokens)
    break_things(chat, guarded_redis, key)
    logs = chat.logs()
    for trouble in (
        "The webhook",
        "null value in column",
        "Bad Request",
        "Unauthorized",
        "is tried again until it is back",
    ):
        assert trouble in logs, trouble
    # Here, and not only at the end, so that the test says what it looks at.
    assert watch.found_in(logs, "the deployment's log") == []


def api(chat, path, data, **options):
    return requests.post("http://127.0.0.1:%d/api/%s" % (chat.port, path), json=data, timeout=20, **options)


def raw(chat, data):
    connection = create_connection(("127.0.0.1", chat.port), timeout=20)
    connection.sendall(data)
    return connection


def statement(text):
    with database_connection.cursor() as cursor:
        cursor.execute(text)


def knock(chat, carol, key, tokens):
    """Requests and handshakes that are refused, with secrets in them."""
    url = "http://127.0.0.1:%d" % chat.port
    query = "?token=%s&session_key=%s&guest=%s&password=%s" % (tokens["access"], key, tokens["refresh"], HUSH)
    statuses = [
        api(chat, "token", {"username": "alice", "password": HUSH}).status_code,
        api(chat, "token/refresh", {"refresh": tokens["access"]}).status_code,
        api(chat, "rooms/a b/messages" + query, {"message": HUSH}).status_code,
        api(chat, "rooms/lobby/messages", HUSH, headers={"Authorization": "Bearer " + HUSH}).status_code,
        carol.get(url + "/nowhere" + query).status_code,
        carol.get(url + "/admin/chatapp/room/" + query, allow_redirects=False).status_code,
        carol.post(url + "/accounts/login/" + query, {"username": "alice", "password": HUSH}).status_code,
        carol.get(url + "/", headers={"Host": "evil.example"}).status_code,
        requests.get(url + "/page%0aFAKE" + query, timeout=20).status_code,
    ]
    assert statuses == [401, 401, 400, 401, 404, 302, 403, 400, 400]
    cookie = b"Cookie: sessionid=" + key.encode()
    for path in ("/chat/lobby/" + query + "#" + HUSH, "/chat/lobby/" + query, "//[" + query):
        for extra in (
            b"Sec-WebSocket-Version: 12",
            b"Origin: https://evil.example",
            b"Sec-WebSocket-Key: x",
            b"A: \x0b",
        ):
            with raw(chat, handshake(cookie, extra, path=path.encode(), host=b"127.0.0.1")) as connection:
                read_until(connection, b"\r\n\r\n")
    another = key[:-1] + ("1" if key.endswith("0") else "0")
    for wrong in ("?token=" + tokens["refresh"], "?session_key=" + another, "?since=" + HUSH):
        with chat.socket("/chat/lobby/" + wrong) as socket:
            assert 4500 < socket.until_closed() < 4510
    with pytest.raises(InvalidStatus):
        chat.socket("/chat/lobby/" + query, additional_headers={"Origin": "https://evil.example"})


def talk(chat, key, tokens):
    """Sockets, by every way in, that say secrets, rightly and wrongly."""
    with chat.socket("/chat/lobby/?token=" + tokens["access"]) as alice:
        alice.next("welcome")
        for text in (HUSH, "{" + HUSH, b"\xff" + HUSH.encode(), "\0" + HUSH, HUSH * 1000, {"type": HUSH}):
            alice.send(text)
        alice.send({"message": "@bob @carol " + HUSH, "client_id": "c"})
        alice.next("ack", lambda frame: frame["client_id"] == "c")
        alice.send({"type": "auth", "token": key})
        alice.next("error", lambda frame: frame["code"] == "token_invalid")
    for frames in (b"\xff" + HUSH.encode(), masked(HUSH.encode(), opcode=3), masked(b"\xff" + HUSH.encode())):
        with raw(chat, handshake(path=b"/chat/lobby/?session_key=" + key.encode(), host=b"127.0.0.1")) as connection:
            read_until(connection, b"\r\n\r\n")
            connection.sendall(frames)
            read_until_closed(connection)
    wait_until(lambda: "webhook" in chat.logs(), "the webhook is tried")


def read_until_closed(connection):
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass


def break_things(chat, server, key):
    """The database refuses a row and tells which, and the layer goes away."""
    with chat.socket("/chat/lobby/?session_key=" + key) as carol:
        carol.next("welcome")
        statement("ALTER TABLE chatapp_chatmessage ADD COLUMN trouble integer NOT NULL DEFAULT 1")
        statement("ALTER TABLE chatapp_chatmessage ALTER COLUMN trouble DROP DEFAULT")
        carol.send({"message": "refused " + HUSH, "client_id": "d"})
        wait_until(lambda: "null value in column" in chat.logs(), "the row is refused")
        api(chat, "rooms/lobby/messages", {"message": "refused too " + HUSH})
        statement("ALTER TABLE chatapp_chatmessage DROP COLUMN trouble")
        carol.next("ack", lambda frame: frame["client_id"] == "d")
        server.kill()
        carol.send({"message": "later " + HUSH, "client_id": "e"})
        wait_until(lambda: "is tried again until it is back" in chat.logs(), "the server misses its layer")
        server.start()
    assert json.dumps(list(ChatMessage.objects.values_list("message", flat=True))).count(HUSH) >= 2
