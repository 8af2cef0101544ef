"""How passwords are kept."""

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.hashers import (
    Argon2PasswordHasher,
    PBKDF2PasswordHasher,
    get_hasher,
    get_hashers,
    get_hashers_by_algorithm,
)

from chatapp.hashers import Argon2


@pytest.fixture
def hashers_as_deployed(settings_override, monkeypatch):
    def forget():
        get_hashers.cache_clear()
        get_hashers_by_algorithm.cache_clear()

    settings_override(PASSWORD_HASHERS=["chatapp.hashers.Argon2", "django.contrib.auth.hashers.PBKDF2PasswordHasher"])
    forget()
    yield
    monkeypatch.undo()
    forget()


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url


def test_a_password_becomes_argon2id_of_the_strength_that_is_stated():
    """G12"""
    encoded = Argon2().encode("correct horse", Argon2().salt())
    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert Argon2().verify("correct horse", encoded)
    assert not Argon2().verify("wrong", encoded)
    assert not Argon2().must_update(encoded)


@pytest.mark.parametrize(
    "encoded",
    [
        Argon2PasswordHasher().encode("correct horse", "some salt here"),
        # As Django 2.2 made them.
        "argon2$argon2i$v=19$m=512,t=2,p=2$c29tZSBzYWx0IGhlcmU$B7uUuZiq9QwlL+btGJxHnlvQ0bVPwIhVLxOdFxSg9dc",
    ],
)
def test_another_argon2_hash_is_taken_and_replaced(encoded):
    assert Argon2().verify("correct horse", encoded)
    assert Argon2().must_update(encoded)


def test_an_old_hash_is_replaced_when_its_user_logs_in(hashers_as_deployed, alice):
    alice.password = PBKDF2PasswordHasher().encode("correct horse", "some salt here", iterations=1)
    alice.save()
    assert authenticate(None, username="alice", password="wrong") is None
    alice.refresh_from_db()
    assert alice.password.startswith("pbkdf2_sha256$1$")
    assert authenticate(None, username="alice", password="correct horse") == alice
    alice.refresh_from_db()
    assert alice.password.startswith("argon2$argon2id$")
    assert authenticate(None, username="alice", password="correct horse") == alice


def test_the_deployed_settings_hash_with_it(hashers_as_deployed):
    assert isinstance(get_hasher(), Argon2)
