"""The layer behind Redis Sentinel: it follows the master."""

import time
from pathlib import Path

import pytest
import redis

from relay.layers.redis import RedisSentinelChannelLayer
from tests.services import RedisServer
from tests.waiting import wait_until


@pytest.fixture
def servers(tmp_path):
    """A master, its replica, and a Sentinel that fails over after half a second."""
    folders = [tmp_path / name for name in ("master", "replica", "sentinel")]
    for folder in folders:
        folder.mkdir()
    master = RedisServer(folders[0])
    replica = RedisServer(folders[1], "--replicaof", "127.0.0.1 %d" % master.port)
    sentinel = RedisServer(folders[2], "--sentinel", configuration=sentinel_configuration(folders[2], master.port))
    client = redis.Redis(port=sentinel.port)
    wait_until(lambda: client.execute_command("SENTINEL", "REPLICAS", "chat"), "the Sentinel knows the replica", 30)
    yield master, replica, sentinel
    for server in (sentinel, replica, master):
        server.kill()


def sentinel_configuration(folder: Path, master_port: int) -> Path:
    path = folder / "sentinel.conf"
    path.write_text(
        "sentinel monitor chat 127.0.0.1 %d 1\n"
        "sentinel down-after-milliseconds chat 500\n"
        "sentinel failover-timeout chat 2000\n" % master_port
    )
    return path


@pytest.fixture
def make_layer(servers, redis_prefix):
    made = []

    def make(**options):
        hosts = [("127.0.0.1", servers[2].port)]
        made.append(RedisSentinelChannelLayer(hosts=hosts, prefix=redis_prefix, services=["chat"], lease=1, **options))
        return made[-1]

    yield make
    for layer in made:
        layer.patience = 0
        layer.close()


def test_a_failover_costs_no_message_and_the_groups_are_whole(servers, make_layer):
    """A26, A28"""
    master, replica, _ = servers
    layer, web = make_layer(patience=20), make_layer()
    layer.group_add("g", "web!a")
    assert web.receive(["web!"]) == (None, None)
    layer.send("c", {"n": 1})
    client = redis.Redis(port=replica.port)
    wait_until(lambda: client.exists(layer.keys.lane("web!")) or client.dbsize() > 5, "the replica has it")
    wait_until(lambda: client.info("replication")["master_sync_in_progress"] == 0, "the replica is in step")
    master.kill()
    started = time.monotonic()
    layer.send("c", {"n": 2})
    print("Sent again %.1f s after the master's death" % (time.monotonic() - started))
    found = []
    wait_until(lambda: found.extend(layer.take(["c"], 5, block=True)) or len(found) == 2, "both arrive", 30)
    assert sorted(delivery.content["n"] for delivery in found) == [1, 2]
    wait_until(lambda: layer.group_channels("g") == ["web!a"], "the group is whole")
    layer.send_group("g", {"n": 3})
    wait_until(lambda: web.receive(["web!"]) == ("web!a", {"n": 3}), "it hears")


def test_connections_are_kept(servers, make_layer):
    """A28: asgi_redis makes a new pool for every operation."""
    layer = make_layer()
    layer.send("c", {"n": 1})
    client = redis.Redis(port=servers[0].port)
    before = client.info("stats")["total_connections_received"]
    for n in range(50):
        layer.send("c", {"n": n})
    assert client.info("stats")["total_connections_received"] == before
