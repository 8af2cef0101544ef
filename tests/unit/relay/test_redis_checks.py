"""What a Redis is asked before a deployment trusts it."""

import pytest
import redis

from relay.layers.redis import checks
from relay.layers.redis.addresses import options_of
from tests.ports import free_port


def named(url, prefix="parley:"):
    return [message.id for message in checks.check_server(url, prefix)]


@pytest.fixture
def server(own_redis):
    return redis.StrictRedis.from_url(own_redis.url)


def test_a_server_of_our_own_is_well(own_redis, server):
    server.set("parley:2:x", "1")
    assert named(own_redis.url) == []


def test_one_that_evicts_keys_loses_messages(own_redis, server):
    server.config_set("maxmemory-policy", "allkeys-lru")
    assert named(own_redis.url) == ["relay.W009"]


def test_one_that_others_use_too_is_named(own_redis, server):
    server.set("celery", "1")
    assert named(own_redis.url) == ["relay.W011"]


@pytest.mark.parametrize(
    ("version", "ids"), [("5.0.14", ["relay.W008"]), ("6.0.16", ["relay.W008"]), ("6.2.0", []), ("7.0.15", [])]
)
def test_one_that_is_too_old_is_named(version, ids):
    found = checks.check_version("x", {"redis_version": version})
    assert [message.id for message in [found] if message] == ids


@pytest.mark.parametrize(
    ("url", "ids"),
    [
        ("redis://10.0.0.5:6379/0", ["relay.W010"]),
        ("redis://redis:6379/0", ["relay.W010"]),
        ("redis://:hush@10.0.0.5:6379/0", []),
        ("redis://127.0.0.1:6379/0", []),
        ("redis://localhost/0", []),
        ("unix:///run/redis.sock", []),
    ],
)
def test_one_that_takes_anybody_is_named_unless_only_this_machine_reaches_it(url, ids):
    found = checks.check_password("x", {"host": "localhost", **options_of(url)})
    assert [message.id for message in [found] if message] == ids


def test_one_that_does_not_answer_is_no_danger_and_no_password_is_said():
    (message,) = checks.check_server("redis://:hush@127.0.0.1:%d/0" % free_port(), "parley:")
    assert message.id == "relay.I001"
    assert "hush" not in str(message)


@pytest.fixture
def layer(settings_override):
    """A function that has the project use one layer."""

    def use(kind, **config):
        backend = {"BACKEND": "relay.layers.redis." + kind, "CONFIG": config}
        other = {"BACKEND": "relay.layers.inmemory.ChannelLayer", "CONFIG": {}}
        settings_override(CHANNEL_LAYERS={"default": backend, "other": other})
        return [message.id for message in checks.check_servers()]

    return use


def test_the_servers_of_our_layers_are_asked(layer, own_redis, server):
    server.set("mine:x", "1")
    assert layer("RedisChannelLayer", hosts=[own_redis.url], prefix="mine:") == []
    assert layer("RedisChannelLayer", hosts=[own_redis.url], prefix="yours:") == ["relay.W011"]
    assert layer("RedisChannelLayer", hosts=[own_redis.url, "redis://127.0.0.1:%d" % free_port()], prefix="mine:") == [
        "relay.I001"
    ]


def test_the_master_that_sentinels_name_is_asked(layer, sentinel_servers):
    master, _, sentinel = sentinel_servers
    about = {"hosts": [("127.0.0.1", free_port()), ("127.0.0.1", sentinel.port)]}
    odd = "a/b@c:%"
    client = redis.StrictRedis(port=master.port, password=odd)
    redis.StrictRedis(port=master.port).config_set("requirepass", odd)
    client.config_set("maxmemory-policy", "allkeys-lru")
    about["connection_kwargs"] = {"password": odd, "db": 2}
    assert layer("RedisSentinelChannelLayer", services=["chat"], **about) == ["relay.W009"]
    assert layer("RedisSentinelChannelLayer", services=["another"], **about) == ["relay.I001"]
