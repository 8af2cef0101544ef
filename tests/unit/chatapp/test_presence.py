from datetime import timedelta

from django.utils import timezone

from chatapp.identity import Login, Sender, user_sender
from chatapp.models import Presence


def test_a_seat_is_as_it_was_noted(alice, lobby):
    login = Login(alice.pk, "token:abc", timezone.now() + timedelta(minutes=5))
    Presence.note("web!a", lobby, user_sender(alice), login)
    Presence.note("web!b", None, Sender("guest:1", "guest-1"), None)
    seats = [Presence.renew("web!a"), Presence.remove("web!a")]
    assert [(seat.room, seat.sender, seat.login) for seat in seats] == [(lobby, user_sender(alice), login)] * 2
    assert Presence.renew("web!b") == (None, Sender("guest:1", "guest-1"), None)
    assert Presence.renew("web!a") is None


def test_each_token_that_has_ended_is_told_once(alice):
    for name, seconds in (("web!a", -1), ("web!b", 60)):
        login = Login(alice.pk, "token:abc", timezone.now() + timedelta(seconds=seconds))
        Presence.note(name, None, user_sender(alice), login)
    assert Presence.end_expired() == ["web!a"]
    assert Presence.end_expired() == []
    assert Presence.renew("web!a").login == Login(alice.pk, "", None)


def test_who_has_any_open_socket_is_here(alice, bob):
    Presence.note("web!a", None, user_sender(alice), Login(alice.pk, "key"))
    assert (Presence.is_here(alice.pk), Presence.is_here(bob.pk)) == (True, False)
    Presence.objects.update(seen=timezone.now() - Presence.expiry() - timedelta(minutes=1))
    assert not Presence.is_here(alice.pk)
