"""C3, C5 and C6: what anybody can make has an owner, and each owner a quota; no query looks at all rooms."""

import os
from datetime import timedelta

import pytest
from channels import Channel
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from chatapp import ledger, listing, mentions, protocol, quotas, sweeper
from chatapp.dashboard import figures
from chatapp.exceptions import ClientError
from chatapp.identity import Login, Sender, user_sender
from chatapp.models import ChatMessage, Grant, Membership, Presence, Room
from chatapp.notifications import delivery
from chatapp.notifications.models import Delivery, Digest, Notification
from tests.chat import Socket, log_in, work

GUEST = Sender("guest:1", "guest-1")
#: TESTS_ROOMS=1000000 is what the promise says; so many rows take a while to make.
MANY = int(os.environ.get("TESTS_ROOMS", "20000"))


@pytest.fixture
def quota(settings_override):
    """As a deployment has it by default, but for the number of rooms."""
    settings_override(CHAT_GUEST_ROOMS=0, CHAT_ROOMS_PER_USER=3)


def refusal(socket):
    (content,) = socket.contents()[-1:]
    return protocol.json.loads(content["text"])["code"], content.get("close")


# C5: making rooms


def test_a_guest_makes_no_room_and_enters_those_that_are_there(quota, lobby, layer):
    assert refusal(Socket(layer, path="/chat/fresh/")) == ("room_needs_account", 4513)
    answer = Client().post("/api/rooms/fresh/messages", '{"message": "hi"}', content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (403, "room_needs_account")
    assert not Room.objects.filter(slug="fresh").exists()
    assert Socket(layer).frames("welcome")


def test_the_lobby_of_a_fresh_installation_takes_a_guest(quota, alice, layer):
    assert Client().get("/chat/lobby/").status_code == 200
    assert Socket(layer).frames("welcome")
    assert Room.objects.filter(slug="lobby").exists()


def test_a_guest_is_told_how_to_open_a_room(quota, lobby, layer):
    page = Client().get("/?room=fresh", follow=True)
    assert page.status_code == 404
    assert b'href="/accounts/login/?next=/chat/fresh/"' in page.content
    assert b'href="/accounts/signup/?next=/chat/fresh/"' in page.content
    assert b"/chat/lobby/" in page.content


def test_an_account_makes_so_many_rooms_a_day_on_whatever_way(quota, alice, layer):
    login = "session_key=" + log_in(alice)
    client = Client()
    client.force_login(alice)
    for number in range(2):
        assert Socket(layer, path="/chat/fresh-%d/" % number, query=login).frames("welcome")
    post = {"data": '{"message": "hi"}', "content_type": "application/json"}
    assert client.post("/api/rooms/fresh-2/messages", **post).status_code == 201
    assert refusal(Socket(layer, path="/chat/fresh-3/", query=login)) == ("too_many_rooms", 4514)
    answer = client.post("/api/rooms/fresh-3/messages", **post)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_rooms")
    assert 0 < int(answer["Retry-After"]) <= 86400
    Room.objects.update(created=timezone.now() - quotas.DAY)
    assert client.post("/api/rooms/fresh-3/messages", **post).status_code == 201


def test_all_guests_together_have_one_quota(quota, settings_override, database):
    settings_override(CHAT_GUEST_ROOMS=2)
    for number in range(2):
        quotas.room("fresh-%d" % number, Sender("guest:%d" % number, "guest"))
    with pytest.raises(ClientError, match="too_many_rooms"):
        quotas.room("fresh-2", Sender("guest:2", "guest"))


def test_a_bot_makes_the_room_that_it_writes_to(quota, database, layer):
    Channel("chat-messages").send({"room": "builds", "message": "done"})
    work(layer)
    assert ChatMessage.objects.get().room.slug == "builds"


def test_a_room_that_stays_empty_goes_and_no_other(database, alice):
    slugs = ("old", "by-hand", "said", "followed", "entered", "young")
    rooms = {slug: Room.objects.create(slug=slug, maker="" if slug == "by-hand" else "guests") for slug in slugs}
    ledger.store(rooms["said"], GUEST, "hi", "1")
    Membership.join(rooms["followed"], [alice.pk])
    Presence.note("web!a", rooms["entered"], GUEST, None)
    Room.objects.exclude(slug="young").update(created=timezone.now() - quotas.EMPTY_FOR - timedelta(minutes=1))
    quotas.forget_empty_rooms()
    assert set(Room.objects.values_list("slug", flat=True)) == set(slugs) - {"old"}


# C5: a million rooms


def many_rooms(count):
    """Quiet rooms, each with messages, and one that is empty for every ten."""
    series = "generate_series(1, %d) AS n(i)" % count
    if connection.vendor == "sqlite":
        recursive = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) " % count
        series = "(" + recursive + "SELECT i FROM n)"
    false = "false" if connection.vendor == "postgresql" else "0"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO chatapp_room (slug, title, head, announced, followed, maker, created) "
            "SELECT 'quiet-' || i, '', i %% 10, i %% 10, %s, 'guests', '2026-01-01 00:00:00' FROM %s" % (false, series)
        )
        cursor.execute("ANALYZE")


def plans_of(statements):
    """How the database runs these: the steps of the plans that look at rooms, messages or notifications."""
    prefix = "EXPLAIN QUERY PLAN " if connection.vendor == "sqlite" else "EXPLAIN "
    steps = []
    with connection.cursor() as cursor:
        for statement in statements:
            if statement.startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
                cursor.cursor.execute(prefix + statement)
                steps += [str(row[-1]) for row in cursor.fetchall()]
    return steps


def full_scans(steps, tables):
    """Those that read a table from end to end. (`SCAN … USING INDEX` of SQLite stops at the statement's LIMIT.)"""
    return [
        step
        for step in steps
        if any(
            step.strip(" ->").startswith(("Seq Scan on " + table, "Parallel Seq Scan on " + table))
            or (step.startswith(("SCAN " + table, "SCAN TABLE " + table)) and "USING" not in step)
            for table in tables
        )
    ]


def tick():
    """What an idle worker does again and again."""
    sweeper.announce_stragglers()
    delivery.ask_again()
    quotas.empty_rooms(0)
    figures.Meter().read()
    meter = figures.Meter()
    meter.read()
    meter.read()


def test_what_is_done_often_costs_the_same_with_however_many_rooms(alice, layer, django_queries):
    Room.objects.create(slug="lobby")
    ledger.store(Room.named("lobby"), Sender("server", "server"), "@alice", "0")
    work(layer)

    def often():
        listing.rooms()
        tick()
        socket = Socket(layer)
        socket.say("hello")
        socket.put("websocket.keepalive")
        socket.put("websocket.disconnect")

    often()
    counts = []
    for count in (100, MANY):
        Room.objects.filter(slug__startswith="quiet-").delete()
        many_rooms(count)
        with django_queries() as queries:
            often()
        # The database's clock is asked when some seconds have passed.
        counts.append(len([query for query in queries if "clock_timestamp" not in query]))
    assert counts[0] == counts[1]
    steps = plans_of(queries)
    assert steps
    assert full_scans(steps, ["chatapp_room"]) == []


# C3: one sender, many rooms


def mention_everywhere(alice, rooms):
    for number in range(rooms):
        room = Room.objects.create(slug="room-%d" % number)
        row, _ = ledger.store(room, user_sender(alice), "@bob %d" % number, "1")
        mentions.notify_mentioned(room, row)


def test_one_sender_causes_so_many_notifications_however_many_the_rooms(alice, bob, layer, settings_override):
    settings_override(CHAT_MENTIONS_PER_SENDER=3)
    mention_everywhere(alice, 10)
    texts = [one.text for one in Notification.objects.filter(user=bob).order_by("id")]
    assert len(texts) == 4
    # The last one stands for the rest.
    assert texts[-1] == "alice mentioned you in room-9: @bob 9"
    for row in ChatMessage.objects.filter(room__slug__in=["room-0", "room-2"]):
        # Repeating this for a message that has a notification of its own changes nothing.
        mentions.notify_mentioned(row.room, row)
    assert [one.text for one in Notification.objects.filter(user=bob).order_by("id")] == texts


@pytest.fixture
def post_office(settings_override, bob):
    settings_override(
        CHAT_NOTIFICATION_BACKENDS=["email"],
        EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend",
        CHAT_MENTIONS_PER_SENDER=0,
        CHAT_EMAIL_PAUSE=900,
        CHAT_RATE_LIMIT=0,
    )
    type(bob).objects.update(email="bob@example.com")
    mail.outbox = []


def due_now(layer):
    """The time comes for all that waits."""
    Delivery.objects.exclude(due=None).update(due=timezone.now() - timedelta(seconds=1))
    delivery.ask_again()
    work(layer)


def test_mentions_in_a_hundred_rooms_are_one_email(alice, bob, layer, post_office):
    mention_everywhere(alice, 100)
    due_now(layer)
    (email,) = mail.outbox
    assert email.subject == "100 notifications"
    assert "@bob 0" in email.body
    assert "And 80 more" in email.body
    assert not Delivery.objects.exclude(due=None).exists()


def test_the_first_email_goes_at_once_and_the_next_after_the_pause(alice, bob, layer, post_office):
    mention_everywhere(alice, 1)
    due_now(layer)
    assert [email.subject for email in mail.outbox] == ["alice mentioned you in room-0: @bob 0"]
    room = Room.named("room-0")
    for number in (2, 3):
        row, _ = ledger.store(room, user_sender(alice), "@bob once more", str(number))
        mentions.notify_mentioned(room, row)
    due_now(layer)
    assert len(mail.outbox) == 1
    assert Delivery.objects.exclude(due=None).count() == 2
    Digest.objects.update(at=timezone.now() - timedelta(seconds=901))
    due_now(layer)
    assert [email.subject for email in mail.outbox[1:]] == ["2 notifications"]


def test_what_no_server_took_is_still_to_be_delivered(alice, bob, layer, post_office, monkeypatch):
    mention_everywhere(alice, 2)

    def fail(*args):
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr("chatapp.notifications.backends.send_mail", fail)
        with pytest.raises(OSError):
            delivery.deliver(Delivery.objects.first().pk)
    due_now(layer)
    assert [email.subject for email in mail.outbox] == ["2 notifications"]


# C6: grants


def test_of_too_many_grants_the_oldest_ends_and_its_socket_is_closed(alice, lobby, layer, settings_override):
    settings_override(CHAT_GRANTS_PER_USER=3)
    client = Client()
    client.force_login(alice)
    first = client.post("/api/token", {}, content_type="application/json").json()
    grant = Grant.objects.get()
    Presence.note("web!a", lobby, user_sender(alice), Login(alice.pk, "token:" + grant.pk))
    tokens = [client.post("/api/token", {}, content_type="application/json").json() for _ in range(5)]
    assert Grant.objects.filter(user=alice).count() == 3
    answer = client.post("/api/token/refresh", {"refresh": first["refresh"]}, content_type="application/json")
    assert answer.json()["code"] == "token_invalid"
    answer = client.post("/api/token/refresh", {"refresh": tokens[-1]["refresh"]}, content_type="application/json")
    assert answer.status_code == 200
    assert layer.receive(["web!"])[1]["close"] == 4401
