"""The Redis layer over connections that break, and a client that does not do blindly what may have been done."""

import pytest
import redis

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
    connection = client.connection_pool.get_connection("PING")

    def interrupted():
        raise KeyboardInterrupt

    connection.read_response, read_response = interrupted, connection.read_response
    client.connection_pool.release(connection)
    with pytest.raises(KeyboardInterrupt):
        client.get("something")
    connection.read_response = read_response
    assert client.ping() is True
