"""Our Redis layer against a real Redis or Valkey."""

import asgiref.conformance
import pytest
import redis

from relay.layers.redis import RedisChannelLayer
from tests.proxy import Proxy


@pytest.fixture
def make_layer(redis_url, redis_prefix):
    def make(url=redis_url, **options):
        return RedisChannelLayer(hosts=[url], prefix=redis_prefix, stats_prefix=redis_prefix + "meta:", **options)

    return make


@pytest.fixture
def conforming(request, make_layer):
    request.cls.channel_layer = make_layer(expiry=1, group_expiry=2, capacity=5)


@pytest.mark.usefixtures("conforming")
class TestConformance(asgiref.conformance.ConformanceTestCase):
    """asgiref's own suite, unmodified."""

    expiry_delay = 1.1
    capacity_limit = 5
    receive_tries = 2


def test_bytes_text_and_nesting_come_through(make_layer):
    """A6: the pinned asgi_redis can't read anything with a current msgpack."""
    layer = make_layer()
    message = {"b": b"\xff\x00", "t": "é", "n": None, "l": [1, [2.5, {"d": True}]], "i": 2**40}
    layer.send("c", message)
    assert layer.receive(["c"]) == ("c", message)


def test_messages_of_many_keys_with_encryption_come_through(make_layer):
    layer = make_layer(symmetric_encryption_keys=["new", "old"])
    layer.send("c", {"text": "secret"})
    assert layer.receive(["c"])[1] == {"text": "secret"}
    make_layer(symmetric_encryption_keys=["old"]).send("c", {"text": "from before"})
    assert layer.receive(["c"])[1] == {"text": "from before"}


def port_of(url):
    return int(url.rpartition(":")[2].partition("/")[0])


def test_a_send_whose_answer_is_lost_is_not_sent_twice(make_layer, redis_url):
    """A5: redis-py would send it again, though the server has it."""
    with Proxy(port_of(redis_url)) as proxy:
        layer = make_layer("redis://127.0.0.1:%d/0" % proxy.port)
        layer.send("warm-up", {"the scripts": "are known to the server"})
        proxy.losing.set()
        with pytest.raises(redis.ConnectionError):
            layer.send("c", {"n": 1})
    direct = make_layer()
    assert direct.receive(["c"])[1] == {"n": 1}
    assert direct.receive(["c"]) == (None, None)


def test_a_pop_whose_answer_is_lost_takes_no_second_message(make_layer, redis_url):
    """A5: redis-py would pop again, and the first message would be gone unseen, with no error. Here it is an error."""
    direct = make_layer()
    for n in range(2):
        direct.send("c", {"n": n})
    with Proxy(port_of(redis_url)) as proxy:
        layer = make_layer("redis://127.0.0.1:%d/0" % proxy.port)
        layer.receive(["warm-up"])
        proxy.losing.set()
        with pytest.raises(redis.ConnectionError):
            layer.receive(["c"], block=True)
    assert direct.receive(["c"])[1] == {"n": 1}


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


def test_a_full_member_misses_a_group_message_and_the_log_says_so(make_layer, caplog):
    layer = make_layer(capacity=1)
    for member in ("full!x", "free"):
        layer.group_add("g", member)
    layer.send("full!y", {"n": 0})
    layer.send_group("g", {"n": 1})
    assert layer.receive(["free"])[1] == {"n": 1}
    assert "1 members of group g missed a message" in caplog.text


def test_names_are_checked_strictly(make_layer):
    """A24"""
    layer = make_layer()
    for call in (
        lambda: layer.send("c\n", {}),
        lambda: layer.group_add("g\n", "c"),
        lambda: layer.send_group("g h", {}),
    ):
        with pytest.raises(TypeError):
            call()
