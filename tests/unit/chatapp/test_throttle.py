"""Guessing, at every door: how much is free, how long one waits, and whom it does not hit."""

import json
from datetime import timedelta

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.hashers import PBKDF2PasswordHasher, make_password
from django.test import Client, RequestFactory

from chatapp import clock, sweeper, throttle
from chatapp.models import Tries
from tests.chat import Socket

HERE, ELSEWHERE = "203.0.113.7", "198.51.100.9"
GOOD, BAD = "correct horse", "wrong"

#: Time goes on by `pass_time` only.
pytestmark = pytest.mark.usefixtures("still_clock")


@pytest.fixture
def database_url(sqlite_url):
    """What differs between the databases is tested in test_guessing."""
    return sqlite_url


@pytest.fixture
def client(lobby, layer):
    return Client()


def log_in(client, password=BAD, name="alice", at=HERE, door="/accounts/login/"):
    form = {"username": name, "password": password}
    if door.startswith("/api/"):
        return client.post(door, json.dumps(form), content_type="application/json", REMOTE_ADDR=at)
    return client.post(door, form, REMOTE_ADDR=at)


def pass_time(seconds):
    """As if that long had gone by."""
    for row in Tries.objects.all():
        row.begun -= timedelta(seconds=seconds)
        row.until -= timedelta(seconds=seconds)
        row.save()


@pytest.mark.parametrize("door", ["/accounts/login/", "/admin/login/", "/api/token"])
def test_after_five_wrong_passwords_one_waits_and_the_right_one_is_not_looked_at(client, alice, door, caplog):
    alice.is_staff = True
    alice.save()
    assert {log_in(client, door=door).status_code for _ in range(5)} <= {200, 401}
    answer = log_in(client, GOOD, door=door)
    assert (answer.status_code, answer["Retry-After"]) == (429, "1")
    assert b"Too many tries." in answer.content
    assert "login by pair from 203.0.113.7 must wait 1 s" in caplog.text
    assert "alice" not in caplog.text
    pass_time(1)
    assert log_in(client, GOOD, door=door).status_code in (200, 302)


def test_the_wait_doubles_up_to_a_limit_and_what_is_refused_does_not_count(client, alice, settings_override):
    settings_override(CHAT_LOGIN_WAIT=4)
    waits = []
    for _ in range(9):
        if (answer := log_in(client)).status_code == 429:
            waits.append(int(answer["Retry-After"]))
            assert log_in(client)["Retry-After"] == answer["Retry-After"]
            pass_time(waits[-1])
            log_in(client)
    assert waits == [1, 2, 4, 4]


def test_after_an_hour_one_begins_anew(client, alice):
    for _ in range(4):
        log_in(client)
    pass_time(throttle.WINDOW + 1)
    assert [log_in(client).status_code for _ in range(5)] == [200] * 5
    assert log_in(client).status_code == 429
    pass_time(throttle.WINDOW + 1)
    sweeper.forget_expired()
    assert not Tries.objects.exists()


def test_the_right_password_takes_its_tries_back(client, alice):
    for _ in range(3):
        assert [log_in(client).status_code for _ in range(4)] == [200] * 4
        assert log_in(client, GOOD).status_code == 302
    assert Tries.objects.get(key=throttle.key("address", HERE)).count == 12


def test_a_counter_that_is_forgotten_meanwhile_harms_no_login(client, alice, monkeypatch):
    """Between the two statements that make the counters and lock them, and before a login takes its try back."""
    forgets, make = [1, 1], Tries.objects.bulk_create

    def and_forget(*args, **kwargs):
        make(*args, **kwargs)
        if forgets:
            forgets.pop()
            Tries.objects.all().delete()

    monkeypatch.setattr(Tries.objects, "bulk_create", and_forget)
    assert log_in(client, GOOD).status_code == 302
    assert forgets == []
    tried = throttle.login(RequestFactory().post("/", REMOTE_ADDR=HERE), "alice")
    Tries.objects.all().delete()
    tried.succeeded()


def test_the_typos_of_a_busy_day_shut_no_office_out(client, alice):
    """One address, where somebody logs in every minute and a half, after a wrong password each fourth time."""
    for n in range(230):
        if n % 4 == 0:
            assert log_in(client).status_code == 200, n
        assert log_in(client, GOOD).status_code == 302, n
        pass_time(90)


def test_one_address_cannot_try_one_password_at_every_account(client):
    for n in range(50):
        assert log_in(client, name="user-%d" % n).status_code == 200
    assert log_in(client, name="another").status_code == 429
    assert log_in(client, name="another", at=ELSEWHERE).status_code == 200


def test_an_account_that_is_guessed_at_from_many_addresses_is_slow_but_never_shut(client, alice):
    """It waits a minute at most, and not where its owner logged in from before."""
    assert log_in(client, GOOD).status_code == 302
    for n in range(26):
        while (answer := log_in(client, at="198.51.100.%d" % n)).status_code == 429:
            pass_time(int(answer["Retry-After"]))
    answer = log_in(client, GOOD, at="192.0.2.1")
    assert (answer.status_code, int(answer["Retry-After"]) <= throttle.ACCOUNT_WAIT) == (429, True)
    assert log_in(client, GOOD).status_code == 302
    pass_time(throttle.ACCOUNT_WAIT)
    assert log_in(client, GOOD, at="192.0.2.1").status_code == 302


def test_who_guesses_elsewhere_does_not_shut_the_owner_out(client, alice):
    for _ in range(6):
        log_in(client)
    assert log_in(client, GOOD, at=ELSEWHERE).status_code == 302


@pytest.mark.parametrize("name", ["ALICE", "alice", "\uff41lice"])
def test_another_spelling_is_no_other_account(client, name):
    for _ in range(5):
        log_in(client)
    assert log_in(client, name=name).status_code == 429


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("", "unknown"),
        ("unix", "unknown"),
    ],
)
def test_an_address_is_what_one_customer_has_the_machines_own_is_nobodys_and_unknown_ones_are_one(host, place):
    assert throttle.place(host) == place


def test_where_no_address_is_known_only_the_account_counts(client, alice):
    """A proxy that does not say for whom it asks must not shut everybody out."""
    assert [log_in(client, at="127.0.0.1").status_code for _ in range(19)] == [200] * 19
    assert log_in(client, name="bob", at="127.0.0.1").status_code == 200
    log_in(client, at="127.0.0.1")
    assert log_in(client, at="127.0.0.1").status_code == 429


def test_it_can_be_turned_off(client, alice, settings_override):
    settings_override(CHAT_LOGIN_TRIES=0)
    assert {log_in(client).status_code for _ in range(30)} == {200}
    assert not Tries.objects.exists()


def test_names_that_are_taken_are_not_told_without_end(client, alice, settings_override):
    settings_override(CHAT_SIGNUPS=3)
    form = {"username": "alice", "password1": "a long pass phrase", "password2": "a long pass phrase"}
    for _ in range(3):
        assert b"already exists" in client.post("/accounts/signup/", form, REMOTE_ADDR=HERE).content
    answer = client.post("/accounts/signup/", {**form, "username": "carol"}, REMOTE_ADDR=HERE)
    assert (answer.status_code, answer["Retry-After"]) == (429, "1")
    assert b"already exists" not in client.post("/accounts/signup/", form, REMOTE_ADDR=HERE).content
    assert not get_user_model().objects.filter(username="carol").exists()


@pytest.mark.parametrize("query", ["ticket=x", "token=x", "session_key=xxxxxxxx"])
def test_made_up_tickets_are_not_looked_at_without_end(layer, lobby, monkeypatch, query):
    monkeypatch.setattr(throttle, "SOCKET_TRIES", 2)

    def code(query):
        contents = Socket(layer, query=query, address=HERE).contents()
        return json.loads(contents[0]["text"]).get("code"), contents[0].get("close")

    assert code(query)[0].endswith("_invalid")
    assert code(query)[0].endswith("_invalid")
    assert code(query) == ("too_many_tries", 4429)
    assert code("") == (None, None)


def test_cve_2024_39329_every_failure_costs_one_hash(alice, bob, monkeypatch):
    """
    A name that is unknown, one without a password, and one that is closed cost what a wrong password
    costs, so the time tells nothing. What can't be anybody's costs none.
    """
    hashed = []
    encode = PBKDF2PasswordHasher.encode
    monkeypatch.setattr(PBKDF2PasswordHasher, "encode", lambda self, *args: hashed.append(1) or encode(self, *args))
    bob.set_unusable_password()
    bob.save()
    get_user_model().objects.create(username="closed", password=make_password(GOOD), is_active=False)
    for name, password in (("nobody", BAD), ("bob", BAD), ("closed", GOOD), ("alice", BAD)):
        hashed.clear()
        assert authenticate(None, username=name, password=password) is None
        assert len(hashed) == 1, name
    hashed.clear()
    assert authenticate(None, username="x" * 151, password=BAD) is None
    assert authenticate(None, username="alice", password="x" * 5000) is None
    assert hashed == []


def test_what_is_known_of_an_address_ends(client, alice):
    log_in(client, GOOD)
    key = throttle.key("known", HERE, "alice")
    assert throttle.is_known(key)
    Tries.objects.filter(key=key).update(until=clock.now() - timedelta(seconds=1))
    assert not throttle.is_known(key)
