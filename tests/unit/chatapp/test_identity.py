import pytest
from django.contrib.auth.models import AnonymousUser

from chatapp.exceptions import ClientError
from chatapp.identity import Sender, known_guest, new_guest, sender_of


def test_a_guest_who_brings_the_token_back_is_the_same_sender():
    guest = new_guest()
    assert known_guest(guest.guest_token()) == guest
    assert sender_of(AnonymousUser(), [None, guest.guest_token()]) == guest


def test_a_guests_token_keeps_the_name():
    named = new_guest()._replace(name="Ann")
    assert known_guest(named.guest_token()).name == "Ann"


@pytest.mark.parametrize(
    "token",
    [None, "", "zzz", "a:b:c", pytest.param(new_guest().guest_token()[:-1] + "!", id="changed")],
)
def test_a_token_that_is_not_ours_names_nobody(token):
    assert known_guest(token) is None
    assert sender_of(AnonymousUser(), [token]).key.startswith("guest:")


def test_two_guests_are_two_senders():
    assert new_guest().key != new_guest().key
    assert new_guest("delivery-1").key != new_guest("delivery-2").key


def test_a_request_delivered_again_makes_the_same_guest_and_nobody_without_our_key_knows_which(settings_override):
    """C1"""
    guest = new_guest("delivery-1")
    assert sender_of(AnonymousUser(), [None], "delivery-1") == guest
    assert len(guest.key) == len(new_guest().key)
    settings_override(SECRET_KEY="another")
    assert new_guest("delivery-1") != guest


def test_where_guests_are_not_allowed_nobody_is_one(settings_override):
    settings_override(CHAT_ALLOW_GUESTS=False)
    with pytest.raises(ClientError) as raised:
        sender_of(AnonymousUser(), [new_guest().guest_token()])
    assert raised.value.code == "guests_not_allowed"


def test_only_people_are_limited():
    assert Sender("user:1", "a").is_limited
    assert Sender("guest:1", "a").is_limited
    assert not Sender("bot:dice", "dice").is_limited
    assert not Sender("server", "server").is_limited


def test_a_user_id_is_that_of_an_account():
    assert Sender("user:17", "a").user_id == 17
    assert Sender("guest:17", "a").user_id is None
