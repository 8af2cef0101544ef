import pytest

from relay.checks import check_connection_age, check_keepalive, check_reconnect_text


@pytest.mark.parametrize(
    ("interval", "config", "ids"),
    [
        (20, {"group_expiry": 60}, []),
        (20, {}, []),
        (20, {"group_expiry": 30}, ["relay.E001"]),
        (0, {"group_expiry": 1}, []),
    ],
)
def test_groups_must_outlive_the_pause_between_two_keepalives(settings_override, monkeypatch, interval, config, ids):
    settings_override(CHANNEL_LAYERS={"default": {"CONFIG": config}}, RELAY_KEEPALIVE_INTERVAL=interval)
    assert [found.id for found in check_keepalive(None)] == ids


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        (None, []),
        ('{"after": %(after).1f}', []),
        ("soon, 100%%", []),
        ("100%", ["relay.E002"]),
        ("%(later)s", ["relay.E002"]),
        ("%d", ["relay.E002"]),
        (5, ["relay.E002"]),
    ],
)
def test_what_sockets_are_told_at_the_end_can_be_filled_in(settings_override, text, ids):
    settings_override(RELAY_RECONNECT_TEXT=text)
    assert [found.id for found in check_reconnect_text(None)] == ids


@pytest.mark.parametrize(
    ("database", "ids"),
    [
        ({"ENGINE": "django.db.backends.sqlite3"}, ["relay.W001"]),
        ({"ENGINE": "django.db.backends.sqlite3", "CONN_MAX_AGE": 0}, ["relay.W001"]),
        ({"ENGINE": "django.db.backends.sqlite3", "CONN_MAX_AGE": 60}, []),
        ({"ENGINE": "django.db.backends.sqlite3", "CONN_MAX_AGE": None}, []),
        ({}, []),
    ],
)
def test_workers_may_keep_their_connections(settings_override, database, ids):
    """B15"""
    settings_override(DATABASES={"default": database})
    assert [found.id for found in check_connection_age(None)] == ids
