import pytest

from relay.checks import check_keepalive


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
