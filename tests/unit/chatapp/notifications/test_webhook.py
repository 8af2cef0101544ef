"""The webhook, against a real HTTP server."""

import hashlib
import hmac
import json
import threading
import time
import traceback
from contextlib import nullcontext
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from chatapp.notifications import backends, delivery, inbox
from chatapp.notifications.models import Delivery
from chatapp.notifications.notify import notify
from tests.chat import work
from tests.secrets import HUSH
from tests.waiting import FACTOR


@pytest.fixture
def receiver():
    """A server that keeps what it gets, and answers what `status` says."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.got.append((dict(self.headers), body))
            if server.answer is not None:
                server.answer(self.wfile)
                return
            self.send_response(server.status)
            self.send_header("Location", "http://127.0.0.1:%d/elsewhere" % server.server_port)
            self.end_headers()

        def log_message(self, *args):
            """Nothing on standard error."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.got, server.status, server.answer = [], 200, None
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def made(layer, alice, receiver, settings_override):
    settings_override(
        CHAT_NOTIFICATION_BACKENDS=["webhook"],
        CHAT_WEBHOOK_URL="http://127.0.0.1:%d/hook" % receiver.server_port,
        CHAT_WEBHOOK_SECRET="quiet",
    )
    return notify(alice, source="ci", category="build", action="failed", text="Build 7 failed", extra={"build": 7})


def test_a_webhook_gets_what_can_be_checked(layer, receiver, made):
    work(layer)
    ((headers, body),) = receiver.got
    said = json.loads(body)
    assert (said["id"], said["user"], said["extra"]) == (made.pk, "alice", {"build": 7})
    assert headers["X-Parley-Delivery"] == said["delivery"] == "%d.1" % made.pk
    assert headers["X-Parley-Signature"] == "sha256=" + hmac.new(b"quiet", body, hashlib.sha256).hexdigest()
    assert Delivery.objects.get().done == 1


@pytest.mark.parametrize("status", [302, 404, 500])
def test_any_other_answer_is_a_failure_that_is_tried_again(layer, receiver, made, status):
    receiver.status = status
    number = Delivery.objects.get().pk
    with pytest.raises(requests.HTTPError):
        delivery.deliver(number)
    receiver.status = 204
    delivery.deliver(number)
    assert (Delivery.objects.get().done, len(receiver.got)) == (1, 2)


def test_what_comes_anew_is_another_delivery(layer, receiver, made, alice):
    work(layer)
    inbox.mark_read(alice.pk)
    notify(alice, source="ci", category="build", action="failed", text="Again", key=made.key, renew=True)
    work(layer)
    assert [json.loads(body)["delivery"] for _, body in receiver.got] == ["%d.1" % made.pk, "%d.2" % made.pk]


def test_a_webhooks_url_is_not_told_when_it_can_not_be_reached(layer, made, settings_override, caplog):
    """Who knows it may post there, and errors go to the log."""
    settings_override(CHAT_WEBHOOK_URL="http://127.0.0.1:9/services/" + HUSH)
    with pytest.raises(requests.RequestException, match="can't be reached: ConnectionError") as raised:
        delivery.deliver(Delivery.objects.get().pk)
    assert HUSH not in "".join(traceback.format_exception(raised.value))


#: Beginnings of an answer, and what goes on without end behind each.
DRIPPING = {
    "status": (b"", b"H"),
    "head": (b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}


@pytest.mark.parametrize("kind", DRIPPING)
def test_an_answer_that_drips_holds_nobody_for_longer_than_the_time_limit(receiver, made, monkeypatch, kind):
    """P7: the time-out is for each byte."""
    monkeypatch.setattr(backends, "WEBHOOK_TIMEOUT", 1)
    first, more = DRIPPING[kind]
    ended = threading.Event()

    def drip(wire):
        try:
            wire.write(first)
            for _ in range(int(300 * FACTOR)):
                wire.write(more)
                time.sleep(0.05)
        except OSError:
            ended.set()

    receiver.answer = drip
    # A status that came is an answer.
    fails = pytest.raises(requests.RequestException, match="can't be reached: TimeoutError")
    with nullcontext() if kind == "head" else fails:
        delivery.deliver(Delivery.objects.get().pk)
    assert ended.wait(10 * FACTOR), "the connection is closed, and nothing waits for the rest of it"


@pytest.mark.parametrize("status", [b"200 OK", b"302 Found"])
def test_of_an_answer_no_more_than_its_head_is_read(receiver, made, status):
    """P7: requests reads all of an answer that leads elsewhere, though it is not to go there."""
    written, done = [], threading.Event()

    def pour(wire):
        wire.write(b"HTTP/1.1 %s\r\nLocation: http://127.0.0.1:9/\r\n\r\n" % status)
        try:
            for _ in range(640):
                wire.write(b"x" * 100_000)
                written.append(100_000)
        except OSError:
            pass
        done.set()

    receiver.answer = pour
    failed = nullcontext() if status == b"200 OK" else pytest.raises(requests.HTTPError, match="answered 302")
    with failed:
        delivery.deliver(Delivery.objects.get().pk)
    assert done.wait(20 * FACTOR)
    assert sum(written) < 32_000_000, "what the kernel buffers, at most"
