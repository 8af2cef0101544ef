"""Tokens and notifications, with the Procfile's processes and real sockets."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests

from chatapp.models import Membership, Room
from chatapp.notifications.models import Delivery
from tests.acceptance.test_promises import EVERYWHERE
from tests.waiting import FACTOR, wait_until

ALICE = {"username": "alice", "password": "correct horse"}


def api(deployment, path, data, token=""):
    headers = {"Authorization": "Bearer " + token} if token else {}
    url = "http://127.0.0.1:%d/api/%s" % (deployment.port, path)
    answer = requests.post(url, json=data, headers=headers, timeout=20)
    assert answer.ok, answer.text
    return answer.json()


@EVERYWHERE
def test_a_mention_reaches_both_tabs_at_once_and_the_laptop_on_return_and_is_read_once(deployment, database, alice):
    deployment = deployment().start_all()
    given = api(deployment, "token", ALICE)
    with (
        deployment.socket("/chat/other/?auth") as first,
        deployment.socket("/notifications/?token=" + given["access"]) as second,
    ):
        first.send({"type": "auth", "token": given["access"]})
        assert first.next("welcome")["user"] == "alice"
        second.next("notifications")
        deployment.manage("say", "lobby", "@alice, look", "--as", "Cron")
        (number,) = {tab.next("notification")["id"] for tab in (first, second)}
        with deployment.socket("/notifications/?token=" + given["access"]) as laptop:
            page = laptop.next("notifications")
            assert ([one["id"] for one in page["notifications"]], page["unread"]) == ([number], 1)
            laptop.send({"type": "read", "ids": [number]})
            assert [tab.next("read")["unread"] for tab in (first, second, laptop)] == [0, 0, 0]
        api(deployment, "token/revoke", {"refresh": given["refresh"]})
        assert first.until_closed() == second.until_closed() == 4401


@pytest.fixture
def webhook():
    """A server that fails twice before it takes what it gets."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            server.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if len(server.got) < 3 else 200)
            self.end_headers()

        def log_message(self, *args):
            """Nothing on standard error."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.got = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("database_url", "layer_kind"), [("sqlite", "database")], indirect=True)
def test_what_a_webhook_refuses_is_tried_again_and_a_token_that_ends_is_asked_for(deployment, database, alice, webhook):
    deployment = deployment(
        CHAT_NOTIFICATION_BACKENDS="socket,webhook",
        CHAT_WEBHOOK_URL="http://127.0.0.1:%d/" % webhook.server_port,
        CHAT_RETRY_AFTER=0.1,
        CHAT_TOKEN_LIFETIME=int(4 * FACTOR),
        RELAY_KEEPALIVE_INTERVAL=1,
    ).start_all(workers=1)
    Membership.join(Room.objects.create(slug="lobby"), [alice.pk])
    given = api(deployment, "token", ALICE)
    with deployment.socket("/notifications/?token=" + given["access"]) as socket:
        api(deployment, "rooms/lobby/messages", {"message": "@alice, it is me"})
        assert socket.next("notification")["category"] == "mention"
        assert "expires" in socket.next("auth"), "it is asked for another token"
        again = api(deployment, "token/refresh", {"refresh": given["refresh"]})
        socket.send({"type": "auth", "token": again["access"]})
        api(deployment, "rooms/lobby/messages", {"message": "@alice, still me"})
        assert socket.next("notification")["unread"] == 2
        assert socket.until_closed() == 4402
    wait_until(lambda: Delivery.objects.filter(backend="webhook", done=1).count() == 2, "the webhook took both")
    assert len(webhook.got) == 4
    assert webhook.got[0] == webhook.got[1] == webhook.got[2], "what was refused came first again"
