"""What nobody can read: it is put aside, and the next message is served (A7, J1)."""

import redis

from relay.layers.redis.keys import Keys


def test_an_undecodable_message_is_a_dead_letter_and_the_next_is_served(make_redis_layer, redis_url):
    """It was packed by another release, or encrypted with a key that is not ours."""
    layer = make_redis_layer(redis_url, ordering={"c": "room"})
    stranger = make_redis_layer(redis_url, ordering={"c": "room"}, symmetric_encryption_keys=["other"])
    for sender, n in ((layer, 1), (stranger, 2), (layer, 3)):
        sender.send("c", {"room": "a", "n": n})
    deliveries = layer.take(["c"], 10)
    assert [delivery.content["n"] for delivery in deliveries] == [1, 3]
    layer.acknowledge(deliveries)
    (letter,) = layer.dead_letters()
    assert (letter.channel, letter.content) == ("c", None)
    assert letter.reason.startswith("It can't be read: ")
    assert [(row.depth, row.in_flight, row.dead) for row in layer.status()] == [(0, 0, 1)]


def test_when_nothing_that_was_taken_can_be_read_the_reader_goes_on(make_redis_layer, redis_url):
    layer = make_redis_layer(redis_url)
    make_redis_layer(redis_url, symmetric_encryption_keys=["other"]).send("c", {"n": 1})
    layer.send("c", {"n": 2})
    received = [layer.receive(["c"])[1] for _ in range(3)]
    assert [content["n"] for content in received if content] == [2]
    assert len(layer.dead_letters()) == 1


def test_a_dead_letter_can_be_read_again_with_the_right_key(make_redis_layer, redis_url):
    make_redis_layer(redis_url, symmetric_encryption_keys=["other"]).send("c", {"n": 1})
    layer = make_redis_layer(redis_url)
    assert layer.receive(["c"]) == (None, None)
    layer = make_redis_layer(redis_url, symmetric_encryption_keys=["new", "other"])
    (letter,) = layer.dead_letters()
    assert letter.content == {"n": 1}
    assert layer.retry_dead([letter.id]) == 1
    assert layer.receive(["c"])[1] == {"n": 1}


def test_bytes_that_are_no_message_at_all_stop_nobody(make_redis_layer, redis_url, redis_prefix):
    """Another program uses our prefix."""
    layer = make_redis_layer(redis_url, ordering={"c": "room"})
    keys = Keys(redis_prefix)
    redis.Redis.from_url(redis_url).rpush(keys.lane("room=a"), b"\xff\x00 garbage")
    redis.Redis.from_url(redis_url).rpush(keys.ready("c"), keys.lane("room=a"))
    layer.send("c", {"room": "a", "n": 1})
    received = [layer.receive(["c"])[1] for _ in range(3)]
    assert [content["n"] for content in received if content] == [1]
    (letter,) = layer.dead_letters()
    assert (letter.channel, letter.reason) == ("", "Its header can not be read")
    assert layer.retry_dead([letter.id]) == 0
    assert layer.discard_dead([letter.id]) == 1


def test_a_group_message_that_can_not_be_read_harms_no_socket(make_redis_layer, redis_url):
    layer = make_redis_layer(redis_url)
    layer.group_add("g", "web!a")
    make_redis_layer(redis_url, symmetric_encryption_keys=["other"]).send_group("g", {"n": 1})
    layer.send_group("g", {"n": 2})
    assert layer.receive(["web!"]) == ("web!a", {"n": 2})
