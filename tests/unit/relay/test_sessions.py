import pytest

from relay.sessions import SessionStore


@pytest.mark.parametrize("key", ["aaaaaaaa\0", "a" * 7 + "é", "a b c d e f", "short", "", None])
def test_a_key_that_django_cannot_have_made_is_no_key(database, key):
    """On PostgreSQL a NUL in it would raise ValueError, on every page and every socket."""
    store = SessionStore(session_key=key)
    assert store.session_key is None
    assert store.get("anything") is None


def test_keys_that_django_and_channels_make_are_taken(database):
    made = SessionStore()
    made["n"] = 1
    made.save()
    assert SessionStore(session_key=made.session_key)["n"] == 1
    assert SessionStore(session_key="chn" + "0af" * 9).session_key is not None
