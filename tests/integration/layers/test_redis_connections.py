"""The Redis layer over connections that break, and a client that does not do blindly what may have been done."""

import os
import threading
import time

import pytest
import redis

from relay.exceptions import LayerUnavailable
from relay.layers.redis import Client
from relay.layers.redis.shard import Shard
from tests.layers import Elsewhere
from tests.proxy import Proxy
from tests.waiting import wait_until


@pytest.fixture
def make_layer(make_redis_layer, redis_url):
    def make(url=redis_url, **options):
        return make_redis_layer(url, **options)

    return make


def port_of(url):
    return int(url.rpartition(":")[2].partition("/")[0])


def test_a_send_whose_answer_is_lost_is_not_sent_twice(make_layer, redis_url):
    """A5: redis-py would send it again, though the server has it. The layer sends again, and the server knows it."""
    direct = make_layer()
    with Proxy(port_of(redis_url)) as proxy:
        layer = make_layer("redis://127.0.0.1:%d/0" % proxy.port)
        layer.send("warm-up", {"the scripts": "are known to the server"})
        proxy.lose_next()
        layer.send("c", {"n": 1})
        assert proxy.lost == 1
    assert direct.receive(["c"])[1] == {"n": 1}
    assert direct.receive(["c"]) == (None, None)


def test_a_refusal_whose_answer_is_lost_is_a_refusal(make_layer, redis_url):
    with Proxy(port_of(redis_url)) as proxy:
        layer = make_layer("redis://127.0.0.1:%d/0" % proxy.port, capacity=1)
        layer.send("c", {"n": 0})
        proxy.lose_next()
        with pytest.raises(layer.ChannelFull):
            layer.send("c", {"n": 1})
        assert proxy.lost == 1


def test_a_broadcast_whose_answer_is_lost_is_not_sent_twice(make_layer, redis_url):
    direct = make_layer()
    with Proxy(port_of(redis_url)) as proxy:
        layer = make_layer("redis://127.0.0.1:%d/0" % proxy.port)
        layer.group_add("g", "web!a")
        proxy.lose_next()
        layer.send_group("g", {"n": 1})
        assert proxy.lost == 1
    assert direct.receive(["web!"]) == ("web!a", {"n": 1})
    assert direct.receive(["web!"]) == (None, None)


@pytest.mark.parametrize("block", [False, True])
def test_what_was_taken_with_an_answer_that_was_lost_is_taken_by_the_next_call(make_layer, redis_url, block):
    """A5: redis-py would pop again, and the first message would be gone unseen, with no error."""
    direct = make_layer()
    with Proxy(port_of(redis_url)) as proxy:
        layer = make_layer("redis://127.0.0.1:%d/0" % proxy.port)
        layer.receive(["warm-up"])
        for heart in layer.hearts:
            heart.stop()  # It is not to be a beat whose answer is lost.
        for n in range(2):
            direct.send("c", {"n": n})
        proxy.lose_next()
        received = []
        wait_until(lambda: received.append(layer.receive(["c"], block=block)) or received[-1][1], "the first comes")
        received.append(layer.receive(["c"], block=block))
        assert proxy.lost == 1
    assert sorted(content["n"] for _, content in received if content) == [0, 1]


def test_an_acknowledgement_whose_answer_is_lost_takes_nothing_more_with_it(make_layer, redis_url):
    with Proxy(port_of(redis_url)) as proxy:
        layer = make_layer("redis://127.0.0.1:%d/0" % proxy.port, ordering={"c": "k"})
        layer.send_many([("c", {"k": 1, "n": n}) for n in range(4)])
        deliveries = layer.take(["c"], 3)
        proxy.lose_next()
        layer.acknowledge(deliveries[:2])
        wait_until(lambda: layer.renew(deliveries[2:]) and not layer.shards[0].later, "it is told again")
        layer.give_back(deliveries)
        assert proxy.lost == 1
        assert [delivery.content["n"] for delivery in layer.take(["c"], 10)] == [2, 3]


@pytest.mark.parametrize("asking", ["", "?retry_on_timeout=1&retry_on_error=1"])
@pytest.mark.parametrize(
    "count",
    [lambda client, key: client.incr(key), lambda client, key: client.pipeline().incr(key).execute()],
    ids=["command", "pipeline"],
)
def test_a_command_whose_answer_is_lost_is_not_sent_twice(redis_url, redis_prefix, count, asking):
    """A5: not by redis-py's other ways to a server either, and whatever the address asks for."""
    key = redis_prefix + "count"
    with Proxy(port_of(redis_url)) as proxy:
        client = Client.to("redis://127.0.0.1:%d/0%s" % (proxy.port, asking), {})
        client.ping()
        proxy.lose_next()
        with pytest.raises(redis.ConnectionError):
            count(client, key)
        assert proxy.lost == 1
    assert redis.Redis.from_url(redis_url).get(key) == b"1"


def test_a_connection_that_the_server_closed_costs_no_error(make_layer, redis_url):
    layer = make_layer()
    layer.send("c", {"n": 1})
    redis.Redis.from_url(redis_url).execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert layer.receive(["c"])[1] == {"n": 1}


def test_no_reply_is_left_on_a_connection_for_the_next_command(make_layer):
    """A22: an exception in the middle of a command, as a signal handler raises it."""
    layer = make_layer()
    client = layer.connection(0)
    client.ping()
    connection = client.idle[-1]

    def interrupted():
        raise KeyboardInterrupt

    connection.read_response, read_response = interrupted, connection.read_response
    with pytest.raises(KeyboardInterrupt):
        client.get("something")
    connection.read_response = read_response
    assert client.ping() is True


def test_a_server_that_stands_still_is_no_message_and_then_an_error_for_who_sends(make_redis_layer, own_redis):
    """A18: no reader hangs for ever or dies of a time-out, and a sender is told."""
    layer = make_redis_layer(own_redis.url, connection_kwargs={"socket_timeout": 2}, patience=0)
    layer.send("c", {"n": 1})
    assert layer.receive(["c"])[1] == {"n": 1}
    own_redis.freeze()
    assert layer.receive(["c"], block=True) == (None, None)
    with pytest.raises(LayerUnavailable, match="Redis server 0 does not answer in time"):
        layer.send("c", {"n": 2})
    own_redis.thaw()
    layer.patience = 10
    layer.send("c", {"n": 3})
    found = []
    wait_until(lambda: found.extend(layer.take(["c"], 5, block=True)) or found, "it goes on")
    assert found[-1].content["n"] in (2, 3)


def test_a_server_that_stands_still_costs_no_lease(make_redis_layer, own_redis):
    """Nobody could beat meanwhile, so nobody is dead: the message is not delivered a second time."""
    layer, other = make_redis_layer(own_redis.url, lease=1), make_redis_layer(own_redis.url, lease=1)
    layer.send("c", {"n": 1})
    deliveries = layer.take(["c"])
    other.take(["c"])
    own_redis.freeze()
    threading.Event().wait(3)  # Three leases long it stands still: this is the trouble, not a wait for something.
    own_redis.thaw()
    assert other.take(["c"], block=True) == []
    assert layer.renew(deliveries) == deliveries


def test_a_forked_child_uses_the_layer_and_leaves_its_parents_connections_alone(make_layer):
    """A21"""
    layer = make_layer()
    layer.send("c", {"n": 1})
    layer.receive(["c"], block=True)
    pid = os.fork()
    if pid == 0:
        layer.send("c", {"n": 2})
        layer.receive(["nothing"])
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    wait_until(lambda: layer.receive(["c"], block=True)[1] == {"n": 2}, "the child's message comes")
    assert layer.shards[0].failures == 0


def test_flush_leaves_other_deployments_alone(make_redis_layer, redis_url, redis_prefix):
    """A23"""
    ours = make_redis_layer(redis_url)
    theirs = make_redis_layer(redis_url, prefix=redis_prefix + "other:")
    for layer in (ours, theirs):
        layer.send("c", {"n": 1})
    ours.flush()
    assert ours.receive(["c"]) == (None, None)
    assert theirs.receive(["c"])[1] == {"n": 1}


def test_the_statistics_extension_counts(make_layer):
    """asgi_redis's own cases for its counters. A16: they are part of the send."""
    layer = make_layer(capacity=2)
    for n in range(2):
        layer.send("c", {"n": n})
    with pytest.raises(layer.ChannelFull):
        layer.send("c", {"n": 2})
    layer.receive(["c"])
    statistics = layer.channel_statistics("c")
    assert statistics.pop("messages_max_age") >= 0
    assert statistics == {"messages_count": 2, "messages_pending": 1, "channel_full_count": 1}
    assert layer.global_statistics() == {"messages_count": 2, "channel_full_count": 1}
    assert layer.channel_statistics("unused")["messages_count"] == 0


def test_a_prefix_that_would_spoil_the_records_is_refused(make_layer):
    for prefix in ("", "a b", "a!"):
        with pytest.raises(ValueError, match="prefix"):
            make_layer(prefix=prefix)


def test_idle_readers_leave_the_server_in_peace(make_redis_layer, own_redis):
    """A20: waiting is not asking again and again."""
    layer = make_redis_layer(own_redis.url)
    client = redis.Redis.from_url(own_redis.url)
    layer.receive(["c"], block=True)
    before = client.info("stats")["total_commands_processed"]
    layer.receive(["c"], block=True)
    assert client.info("stats")["total_commands_processed"] - before < 200, "for two seconds, beats and sweeps included"


@pytest.fixture
def calls(monkeypatch):
    """The calls of scripts that were made: name, keys, arguments."""
    made = []
    run = Shard.run

    def note(self, script, keys=(), args=()):
        made.append((script, list(keys), list(args)))
        return run(self, script, keys, args)

    monkeypatch.setattr(Shard, "run", note)
    return made


def test_a_call_that_comes_after_its_repetition_does_nothing(make_layer, calls):
    """It lay in a socket that was given up, while its server stood still."""
    layer = make_layer(ordering={"c": "k"})
    layer.send_many([("c", {"k": n, "n": n}) for n in range(2)])
    layer.group_add("g", "web!a")
    layer.send_group("g", {"n": 0})
    send = next(call for call in calls if call[0] == "lane_send")
    group_send = next(call for call in calls if call[0] == "group_send")
    layer.take(["c"])
    take = next(call for call in calls if call[0] == "lane_take")
    layer.take(["nothing"])
    before = [(row.channel, row.depth, row.in_flight) for row in layer.status()]
    for late in (send, group_send, take):
        layer.shards[0].run(*late)
    assert [(row.channel, row.depth, row.in_flight) for row in layer.status()] == before


def test_a_master_that_becomes_a_replica_is_away_and_not_an_error(make_redis_layer, own_redis):
    layer = make_redis_layer(own_redis.url, patience=0)
    layer.send("c", {"n": 1})
    client = redis.Redis.from_url(own_redis.url)
    client.slaveof("127.0.0.1", 1)
    with pytest.raises(LayerUnavailable):
        layer.send("c", {"n": 2})
    assert layer.receive(["c"]) == (None, None)
    client.slaveof()
    layer.patience = 10
    layer.send("c", {"n": 3})
    found = []
    wait_until(lambda: found.extend(layer.take(["c"], 5, block=True)) or len(found) == 2, "it goes on")


def test_a_server_without_memory_takes_nothing_in_and_can_be_emptied(make_redis_layer, own_redis):
    layer = make_redis_layer(own_redis.url, patience=0)
    for n in range(3):
        layer.send("c", {"n": n})
    redis.Redis.from_url(own_redis.url).config_set("maxmemory", 1)
    with pytest.raises(LayerUnavailable, match="takes no commands now"):
        layer.send("c", {"n": 3})
    found = []
    wait_until(lambda: found.extend(layer.take(["c"], 5, block=True)) or len(found) == 3, "all come", 30)
    layer.acknowledge(found)
    assert sorted(delivery.content["n"] for delivery in found) == [0, 1, 2]
    assert [(row.depth, row.in_flight) for row in layer.status()] == [(0, 0)]


def test_a_process_that_was_just_heard_of_is_not_given_an_hour(make_redis_layer, redis_url, redis_prefix):
    """Nobody swept for an hour; a worker starts, beats, and dies."""
    layer, other = make_redis_layer(redis_url, lease=1), make_redis_layer(redis_url, lease=1)
    client = redis.Redis.from_url(redis_url)
    layer.send("c", {"n": 1})
    worker = Elsewhere()
    worker(layer.take, ["c"])
    client.set(layer.keys.swept, int(time.time() * 1000) - 3600_000)
    worker.end()
    found = []
    wait_until(lambda: found.extend(other.take(["c"], 1, block=True)) or found, "it is delivered again", 10)
