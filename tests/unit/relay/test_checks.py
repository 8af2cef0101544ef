import functools
import os
import subprocess
import sys
import uuid

import pytest
from channels.asgi import ChannelLayerWrapper, channel_layers
from channels.routing import include, route
from django.db import connections

from relay.backends.postgresql.base import DatabaseWrapper
from relay.checks import (
    DATABASE_LAYER,
    check_connection_age,
    check_consumers,
    check_inline_bodies,
    check_keepalive,
    check_limits,
    check_machines,
    check_metrics,
    check_origins,
    check_reconnect_text,
    check_sqlite,
    check_stock_layers,
    encoding_of,
)
from relay.decorators import batch_consumer
from relay.layers.inmemory import ChannelLayer
from tests.databases import ROOT


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


@pytest.mark.parametrize(
    ("layer", "engine", "ids"),
    [
        (DATABASE_LAYER, "django.db.backends.sqlite3", ["relay.W002"]),
        (DATABASE_LAYER, "relay.backends.sqlite3", []),
        (DATABASE_LAYER, "django.db.backends.postgresql", []),
        ("tests.asgiref1.StockLayer", "django.db.backends.sqlite3", []),
    ],
)
def test_a_layer_in_sqlite_wants_a_backend_that_several_can_write_with(settings_override, layer, engine, ids):
    settings_override(CHANNEL_LAYERS={"default": {"BACKEND": layer}}, DATABASES={"default": {"ENGINE": engine}})
    assert [found.id for found in check_sqlite(None)] == ids


@pytest.mark.parametrize(
    ("stock", "ours"),
    [
        ("RedisChannelLayer", "RedisChannelLayer"),
        ("core.RedisChannelLayer", "RedisChannelLayer"),
        ("RedisLocalChannelLayer", "RedisChannelLayer"),
        ("RedisSentinelChannelLayer", "RedisSentinelChannelLayer"),
    ],
)
def test_asgi_redis_own_layers_are_told_to_be_replaced(settings_override, stock, ours):
    """Their groups fail with each redis-py that speaks TLS on a current Python."""
    settings_override(CHANNEL_LAYERS={"default": {"BACKEND": "asgi_redis." + stock, "CONFIG": {}}})
    (message,) = check_stock_layers(None)
    assert message.id == "relay.E007"
    assert "'relay.layers.redis.%s'" % ours in message.hint
    settings_override(CHANNEL_LAYERS={"default": {"BACKEND": "relay.layers.redis." + ours, "CONFIG": {}}})
    assert check_stock_layers(None) == []


@pytest.mark.parametrize(
    ("changes", "ids"),
    [
        ({}, []),
        ({"RELAY_FRAME_RATE": 0}, ["relay.W003"]),
        ({"RELAY_MAX_MESSAGE_BYTES": 0}, ["relay.W004"]),
        ({"RELAY_MAX_BODY_BYTES": 0, "RELAY_MAX_UNSENT_BYTES": 0}, ["relay.W004", "relay.W004"]),
        ({"RELAY_KEEPALIVE_INTERVAL": 0}, ["relay.W005"]),
        ({"RELAY_ALLOWED_ORIGINS": ["*"]}, ["relay.W006"]),
        ({"RELAY_ALLOWED_ORIGINS": ["https://a.test"]}, []),
        ({"RELAY_METRICS_TOKEN": ""}, ["relay.W007"]),
        ({"RELAY_METRICS_TOKEN": "hush"}, []),
    ],
)
def test_a_limit_that_is_off_is_named_where_it_is_deployed(settings_override, changes, ids):
    settings_override(**{"RELAY_METRICS_TOKEN": "hush", **changes})
    found = [*check_limits(None), *check_origins(None), *check_metrics(None)]
    assert [message.id for message in found] == ids
    assert all(message.hint for message in found)


@pytest.mark.parametrize(("engine", "ids"), [("sqlite3", ["relay.I002"]), ("postgresql", [])])
def test_a_file_is_said_to_be_of_one_machine(settings_override, engine, ids):
    settings_override(DATABASES={"default": {"ENGINE": "relay.backends." + engine}})
    assert [message.id for message in check_machines(None)] == ids


async def waits(message):
    raise AssertionError


def does_not(message):
    raise AssertionError


def test_a_consumer_that_would_never_run_is_named():
    """S2: with the wrong kind of consumer nothing arrives, and no error says so."""
    routes = [route("a", does_not), include([route("b", functools.wraps(waits)(lambda message: None))], path="^/x")]
    before = channel_layers.set("default", ChannelLayerWrapper(ChannelLayer(), "default", routes))
    try:
        (found,) = check_consumers(None)
    finally:
        if before is None:
            del channel_layers.backends["default"]
        else:
            channel_layers.set("default", before)
    assert (found.id, found.msg.endswith("waits of b is an async function.")) == ("relay.E003", True)


def test_a_batch_consumer_cannot_be_async():
    with pytest.raises(TypeError, match="async"):
        batch_consumer(waits)


@pytest.mark.parametrize("command", ["migrate", "runworker", "check --tag database"])
def test_a_database_that_can_not_keep_what_people_write_is_refused(postgres, command):
    """P5: 日本 was neither acknowledged nor refused."""
    name = "test_" + uuid.uuid4().hex
    postgres.execute("CREATE DATABASE %s ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0" % name)
    try:
        arguments = [sys.executable, "manage.py", *command.split()]
        environment = {**os.environ, "DATABASE_URL": postgres.url(name)}
        done = subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True)
    finally:
        postgres.drop(name)
    assert done.returncode == 1
    assert "(relay.E005) The database 'default' is in the encoding LATIN1" in done.stderr
    assert "CREATE DATABASE … ENCODING 'UTF8'" in done.stderr


def test_a_database_that_is_away_is_not_judged():
    """A worker starts, and waits for it."""
    away = {**connections["default"].settings_dict, "ENGINE": "", "HOST": "/nowhere", "NAME": "none"}
    assert encoding_of(DatabaseWrapper(away)) is None


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        ({}, []),
        ({"RELAY_MAX_BODY_BYTES": 200 * 1024 * 1024}, []),
        ({"RELAY_MAX_BODY_BYTES": 20 * 1024 * 1024, "RELAY_INLINE_BODY_BYTES": 20 * 1024 * 1024}, ["relay.E004"]),
        ({"RELAY_INLINE_BODY_BYTES": 20 * 1024 * 1024}, []),
    ],
)
def test_what_goes_with_a_request_must_fit_into_a_message(settings_override, values, ids):
    """S6: `check` was silent, and an upload was answered 503 "Request queue full"."""
    settings_override(CHANNEL_LAYERS={"default": {"BACKEND": DATABASE_LAYER}}, **values)
    assert [found.id for found in check_inline_bodies(None)] == ids
