import json

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client
from django.utils import timezone

from chatapp.notifications import delivery, inbox
from chatapp.notifications.apps import check_backends
from chatapp.notifications.backends import Backend
from chatapp.notifications.models import Delivery, Notification
from chatapp.notifications.notify import notify
from relay.outbox import send_on_commit
from tests.chat import Socket, log_in, work

DUE = {"source": "billing", "category": "invoice", "action": "due", "object": "invoice:7", "text": "Invoice 7 is due"}


class Broken(Backend):
    """A backend of one's own that can't deliver."""

    def deliver(self, notification, time):
        raise ConnectionError("no way")


def listening(layer, user):
    return Socket(layer, path="/notifications/", query="session_key=" + log_in(user))


def test_a_notification_is_stored_and_pushed_to_every_socket_of_the_user(layer, alice, bob):
    """In a room, or in none."""
    tabs = [listening(layer, alice), Socket(layer, query="session_key=" + log_in(alice))]
    stranger = listening(layer, bob)
    for socket in [*tabs, stranger]:
        socket.frames()
    made = notify(alice, **DUE, url="/invoices/7/", extra={"amount": 12.5})
    work(layer)
    for socket in tabs:
        (frame,) = socket.frames()
        assert frame.pop("created").endswith("Z")
        assert frame == {
            "type": "notification",
            "id": made.pk,
            **DUE,
            "url": "/invoices/7/",
            "extra": {"amount": 12.5},
            "read": False,
            "unread": 1,
        }
    assert stranger.frames() == []


def test_nothing_is_told_of_what_is_not_committed(layer, alice):
    socket = listening(layer, alice)
    socket.frames()
    with transaction.atomic():
        notify(alice, **DUE)
        work(layer)
        assert socket.frames() == []
        transaction.set_rollback(True)
    work(layer)
    assert socket.frames() == []
    assert not Notification.objects.exists()


def test_the_same_key_is_the_same_notification(layer, alice):
    listening(layer, alice)
    first = notify(alice, **DUE, key="invoice:7")
    again = notify(alice, **{**DUE, "text": "changed"}, key="invoice:7")
    assert (again.pk, again.text) == (first.pk, "Invoice 7 is due")
    assert Delivery.objects.get().wanted == 1
    assert notify(alice, **{**DUE, "source": "other"}, key="invoice:7").pk != first.pk


def test_what_comes_anew_is_unread_again_and_told_again(layer, alice):
    socket = listening(layer, alice)
    socket.frames()
    notify(alice, **DUE, key="k")
    inbox.mark_read(alice.pk)
    notify(alice, **{**DUE, "text": "Invoice 7 is overdue"}, key="k", renew=True)
    work(layer)
    frames = socket.frames("notification")
    assert (frames[-1]["text"], frames[-1]["read"], frames[-1]["unread"]) == ("Invoice 7 is overdue", False, 1)
    assert Notification.objects.count() == 1


def test_what_is_read_once_is_read_everywhere(layer, alice):
    tabs = [listening(layer, alice) for _ in range(2)]
    numbers = [notify(alice, **DUE).pk for _ in range(3)]
    work(layer)
    for socket in tabs:
        socket.frames()
    tabs[0].say({"type": "read", "ids": numbers[:2]})
    for socket in tabs:
        (frame,) = socket.frames()
        assert (sorted(frame["ids"]), frame["unread"]) == (numbers[:2], 1)
    tabs[1].say({"type": "read"})
    assert [(frame["ids"], frame["unread"]) for socket in tabs for frame in socket.frames()] == [(None, 0)] * 2
    tabs[1].say({"type": "read"})
    assert tabs[0].frames() == [], "nothing has changed"


def test_who_was_away_gets_the_list_on_return(layer, alice):
    for n in range(inbox.PAGE + 1):
        notify(alice, **{**DUE, "text": "number %d" % n})
    work(layer)
    socket = listening(layer, alice)
    (frame,) = socket.frames()
    assert (len(frame["notifications"]), frame["complete"], frame["unread"]) == (inbox.PAGE, False, inbox.PAGE + 1)
    assert frame["notifications"][0]["text"] == "number %d" % inbox.PAGE
    socket.say({"type": "notifications", "skip": inbox.PAGE})
    (page,) = socket.frames()
    assert ([one["text"] for one in page["notifications"]], page["complete"]) == (["number 0"], True)


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "notifications", "skip": -1},
        {"type": "read", "ids": "all"},
        {"type": "read", "ids": [True]},
        {"type": "read", "object": 5},
    ],
)
def test_odd_frames_are_refused(layer, alice, frame):
    socket = listening(layer, alice)
    socket.frames()
    socket.say(frame)
    assert socket.frames()[0]["code"] == "invalid_notifications"


def test_nobody_reads_what_is_anothers(layer, alice, bob):
    made = notify(alice, **DUE)
    inbox.mark_read(bob.pk, [made.pk])
    made.refresh_from_db()
    assert made.read is None


def test_guests_have_no_notifications(layer, lobby):
    assert Socket(layer, path="/notifications/").frames()[0]["code"] == "guests_not_allowed"
    guest = Socket(layer)
    guest.frames()
    guest.say({"type": "read"})
    assert guest.frames()[0]["code"] == "account_needed"


def test_a_socket_without_a_room_stays_and_takes_no_messages(layer, alice):
    socket = listening(layer, alice)
    socket.frames()
    socket.put("websocket.keepalive")
    assert [(frame["type"], frame["unread"]) for frame in socket.frames()] == [("unread", 0)]
    for frame in ("hello", {"type": "history", "before": 5}, {"type": "typing"}, "/who"):
        socket.say(frame)
        assert socket.frames()[0]["code"] == "no_room"
    socket.put("websocket.disconnect")
    notify(alice, **DUE)
    work(layer)
    assert socket.contents() == []


@pytest.mark.parametrize(
    "bad",
    [
        {"source": "x" * 41},
        {"text": None},
        {"object": "\0"},
        {"url": "//elsewhere.example"},
        {"url": "javascript:alert(1)"},
        {"extra": {"x": float("nan")}},
    ],
)
def test_what_the_columns_do_not_hold_is_refused(alice, bad):
    with pytest.raises((ValueError, TypeError)):
        notify(alice, **{**DUE, **bad})


def test_a_long_text_is_cut(layer, alice):
    assert len(notify(alice, **{**DUE, "text": "x" * 400}).text) == 300


@pytest.fixture
def emails(settings_override):
    """E-mails are sent, and kept here. `come_due()` lets the time pass that they wait."""
    settings_override(
        CHAT_NOTIFICATION_BACKENDS=["socket", "email"],
        EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend",
        CHAT_URL="https://chat.example.com/",
    )
    mail.outbox = []
    return mail.outbox


def come_due(layer):
    Delivery.objects.exclude(due=None).update(due=timezone.now())
    delivery.ask_again()
    work(layer)


def test_an_email_goes_to_who_is_away_and_has_not_read_it_and_only_once(layer, alice, emails, settings_override):
    settings_override(CHAT_EMAIL_PAUSE=0)
    alice.email = "alice@example.com"
    alice.save()
    socket = listening(layer, alice)
    notify(alice, **DUE, url="/invoices/7/", key="k")
    work(layer)
    come_due(layer)
    assert emails == [], "alice is here"
    socket.put("websocket.disconnect")
    assert emails == [], "alice may come back"
    come_due(layer)
    (sent,) = emails
    assert (sent.to, sent.subject) == (["alice@example.com"], "Invoice 7 is due")
    assert "https://chat.example.com/invoices/7/" in sent.body
    notify(alice, **DUE, key="k", renew=True)
    come_due(layer)
    assert len(emails) == 1, "it was not read in between"
    inbox.mark_read(alice.pk)
    notify(alice, **DUE, key="k", renew=True)
    come_due(layer)
    come_due(layer)
    assert len(emails) == 2


def test_no_email_tells_of_what_was_read_or_has_nowhere_to_go(layer, alice, bob, emails):
    alice.email = "alice@example.com"
    alice.save()
    notify(alice, **DUE)
    notify(bob, **DUE)
    inbox.mark_read(alice.pk)
    come_due(layer)
    come_due(layer)
    assert emails == []


def test_what_fails_holds_up_no_other_backend_and_is_tried_again(layer, alice, settings_override):
    settings_override(CHAT_NOTIFICATION_BACKENDS=[__name__ + ".Broken", "socket"])
    socket = listening(layer, alice)
    socket.frames()
    notify(alice, **DUE)
    work(layer)
    assert [frame["type"] for frame in socket.frames()] == ["notification"]
    broken = Delivery.objects.get(backend=__name__ + ".Broken")
    with pytest.raises(ConnectionError):
        delivery.deliver(broken.pk)
    broken.refresh_from_db()
    assert broken.done == 0
    assert broken.due - timezone.now() > timezone.timedelta(seconds=1000), "the layer tries again, long before"
    with pytest.raises(ConnectionError):
        delivery.deliver(broken.pk, is_last=True)
    broken.refresh_from_db()
    assert broken.due is None, "it is a dead letter"


def test_a_delivery_that_is_done_is_not_done_again(layer, alice):
    socket = listening(layer, alice)
    socket.frames()
    notify(alice, **DUE)
    work(layer)
    delivery.deliver(Delivery.objects.get().pk)
    assert len(socket.frames("notification")) == 1


def test_a_delivery_that_no_worker_was_told_of_is_found(layer, alice, monkeypatch):
    """Where was it when the process died? In its row."""
    socket = listening(layer, alice)
    socket.frames()
    monkeypatch.setattr("chatapp.notifications.delivery.send_on_commit", lambda *args, **kwargs: None)
    notify(alice, **DUE)
    monkeypatch.setattr("chatapp.notifications.delivery.send_on_commit", send_on_commit)
    delivery.ask_again()
    work(layer)
    assert socket.frames() == [], "it may still be on its way"
    Delivery.objects.update(due=timezone.now())
    delivery.ask_again()
    delivery.ask_again()
    work(layer)
    assert len(socket.frames("notification")) == 1


def test_what_waits_in_a_long_line_is_asked_for_more_and_more_seldom(layer, alice):
    listening(layer, alice)
    notify(alice, **DUE)
    for asks in range(delivery.ASKS):
        Delivery.objects.update(due=timezone.now())
        delivery.ask_again()
        waits = (Delivery.objects.get().due - timezone.now()).total_seconds()
        assert abs(waits - delivery.FORGOTTEN_AFTER * 2**asks) < 10
    Delivery.objects.update(due=timezone.now())
    delivery.ask_again()
    assert Delivery.objects.get().due is None
    work(layer)
    assert Delivery.objects.get().done == 1, "what was asked for often is done once"


def test_a_push_that_comes_after_the_reading_says_nothing(layer, alice):
    socket = listening(layer, alice)
    made = notify(alice, **DUE)
    socket.frames()
    inbox.mark_read(alice.pk)
    work(layer)
    inbox.push(made)
    assert [frame["type"] for frame in socket.frames()] == ["read"]


def test_old_notifications_are_forgotten(layer, alice):
    old = timezone.now() - delivery.KEPT
    for changes in ({"read": old}, {"created": old}, {"created": old, "read": timezone.now()}, {}):
        Notification.objects.filter(pk=notify(alice, **DUE).pk).update(**changes)
    delivery.forget_old()
    assert Notification.objects.count() == 1


def test_the_api_lists_and_marks_as_read(layer, alice):
    client = Client()
    refused = client.get("/api/notifications")
    assert (refused.status_code, refused.json()["code"]) == (401, "account_needed")
    client.force_login(alice)
    made = notify(alice, **DUE)
    answer = client.get("/api/notifications").json()
    assert ([one["id"] for one in answer["notifications"]], answer["unread"]) == ([made.pk], 1)
    assert client.post("/api/notifications/read", "[5]", content_type="application/json").status_code == 400
    assert client.get("/api/notifications?skip=x").json()["code"] == "invalid_notifications"
    marked = client.post("/api/notifications/read", json.dumps({"ids": [made.pk]}), content_type="application/json")
    assert marked.json() == {"unread": 0}


def test_a_backend_that_cannot_work_is_named(settings_override):
    settings_override(CHAT_NOTIFICATION_BACKENDS=["pigeon", "no.such.Thing", "webhook", "socket"], CHAT_WEBHOOK_URL="")
    assert [error.id for error in check_backends()] == ["notifications.E001"] * 2 + ["notifications.E002"]
