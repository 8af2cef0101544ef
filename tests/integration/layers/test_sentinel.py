"""The layer behind Redis Sentinel: it follows the master."""

import time

import pytest
import redis

from relay.layers.redis import RedisSentinelChannelLayer
from tests.waiting import FACTOR, wait_until


@pytest.fixture
def make_layer(sentinel_servers, redis_prefix):
    made = []

    def make(**options):
        hosts = [("127.0.0.1", sentinel_servers[2].port)]
        made.append(RedisSentinelChannelLayer(hosts=hosts, prefix=redis_prefix, services=["chat"], lease=1, **options))
        return made[-1]

    yield make
    for layer in made:
        layer.patience = 0
        layer.close()


def test_a_failover_costs_no_message_and_the_groups_are_whole(sentinel_servers, make_layer):
    """A26, A28"""
    master, replica, _ = sentinel_servers
    layer, web = make_layer(patience=20 * FACTOR), make_layer()
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
    wait_until(lambda: layer.send_group("g", {"n": 3}) or web.receive(["web!"]) == ("web!a", {"n": 3}), "it hears")


def test_connections_are_kept(sentinel_servers, make_layer):
    """A28: asgi_redis makes a new pool for every operation."""
    layer = make_layer()
    layer.send("c", {"n": 1})
    client = redis.Redis(port=sentinel_servers[0].port)
    before = client.info("stats")["total_connections_received"]
    for n in range(50):
        layer.send("c", {"n": n})
    assert client.info("stats")["total_connections_received"] == before
