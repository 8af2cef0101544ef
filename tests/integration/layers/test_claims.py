"""Two deployments on one Redis and one prefix do not mix: the layer is one's at a time (L6)."""

import logging
import time

import pytest
import redis

from relay.exceptions import PrefixTaken
from relay.layers.database import DatabaseChannelLayer
from relay.layers.inmemory import ChannelLayer
from tests.waiting import FACTOR, wait_until

OURS, THEIRS = "a" * 32, "b" * 32
#: A lease that is over soon, and one that outlasts a test.
SHORT, LONG = 0.4 * FACTOR, 60


def is_free_for(identity, layer):
    """Whether that deployment may use the prefix; then it has it."""
    try:
        layer.claim(identity)
    except PrefixTaken:
        return False
    return True


def beating(layer, channel="work"):
    """The layer, once it has beaten."""
    layer.receive([channel])
    wait_until(lambda: all(heart.epoch for heart in layer.hearts), "the first beat")
    return layer


def test_a_second_deployment_is_refused_in_words_that_say_what_to_do(make_redis_layer, redis_url, redis_prefix):
    """L6."""
    make_redis_layer(redis_url).claim(OURS)
    with pytest.raises(PrefixTaken) as refused:
        make_redis_layer(redis_url).claim(THEIRS)
    said = str(refused.value)
    assert repr(redis_prefix) in said
    assert "CHANNEL_PREFIX" in said
    assert "`prefix` in the CONFIG of CHANNEL_LAYERS" in said
    assert "up to 15 s" in said, "the default lease, three times"


def test_all_processes_of_one_deployment_are_let_in(make_redis_layer, redis_url):
    """L6."""
    for _ in range(3):
        make_redis_layer(redis_url).claim(OURS)


def test_two_deployments_with_a_prefix_each_share_a_redis(make_redis_layer, redis_url, redis_prefix):
    """L6."""
    make_redis_layer(redis_url).claim(OURS)
    make_redis_layer(redis_url, prefix=redis_prefix + "other:").claim(THEIRS)


def test_beats_keep_the_prefix_for_longer_than_a_claim_lasts(make_redis_layer, redis_url):
    """L6."""
    first = make_redis_layer(redis_url, lease=SHORT)
    first.claim(OURS)
    beating(first)
    second = make_redis_layer(redis_url, lease=SHORT)
    until = time.monotonic() + 4 * SHORT
    while time.monotonic() < until:
        assert not is_free_for(THEIRS, second)
        time.sleep(SHORT / 3)


def test_a_deployment_that_is_gone_locks_nobody_out(make_redis_layer, redis_url):
    """L6: its processes were killed, or its database was replaced."""
    make_redis_layer(redis_url, lease=SHORT).claim(OURS)
    second = make_redis_layer(redis_url, lease=SHORT)
    assert not is_free_for(THEIRS, second)
    wait_until(lambda: is_free_for(THEIRS, second), "the claim ends by itself", 10)


def test_the_prefix_is_free_at_once_when_the_last_process_has_ended_in_good_order(make_redis_layer, redis_url):
    """L6: and not before."""
    worker, web, stranger = (make_redis_layer(redis_url, lease=LONG) for _ in range(3))
    for layer, channel in ((worker, "work"), (web, "web!")):
        layer.claim(OURS)
        beating(layer, channel)
    web.leave()  # It takes no more, and its sockets are still there.
    worker.close()
    assert not is_free_for(THEIRS, stranger)
    web.close()
    assert is_free_for(THEIRS, stranger)


def test_whoever_ends_does_not_give_up_the_prefix_of_another_deployment(make_redis_layer, redis_url):
    """L6."""
    make_redis_layer(redis_url, lease=LONG).claim(OURS)
    stranger = make_redis_layer(redis_url, lease=LONG)
    assert not is_free_for(THEIRS, stranger)
    beating(stranger).close()
    assert not is_free_for(THEIRS, make_redis_layer(redis_url, lease=LONG))


def test_each_of_several_servers_is_claimed(make_redis_layer, redis_urls):
    """L6: it is enough that two deployments share one of them."""
    first = make_redis_layer(*redis_urls, lease=LONG)
    first.claim(OURS)
    beating(first)
    for url in redis_urls:
        assert not is_free_for(THEIRS, make_redis_layer(url, lease=LONG))
    first.close()
    for url in redis_urls:
        assert is_free_for(THEIRS, make_redis_layer(url, lease=LONG))


def test_processes_that_have_told_no_identity_neither_claim_nor_are_refused(make_redis_layer, redis_url):
    """L6: those of an older release, Channels' own worker, a database without the table."""
    older = beating(make_redis_layer(redis_url, lease=SHORT))
    newer = make_redis_layer(redis_url, lease=SHORT)
    assert is_free_for(OURS, newer)
    beaten = older.hearts[0].beaten
    wait_until(lambda: older.hearts[0].beaten > beaten, "it goes on beating")
    assert older.identity == ""
    # Nor do they keep what nobody else renews.
    wait_until(lambda: is_free_for(THEIRS, make_redis_layer(redis_url, lease=SHORT)), "the claim ends", 10)


def test_whoever_beats_first_has_the_prefix_of_a_server_that_has_lost_its_data(make_redis_layer, own_redis):
    """L6."""
    first = make_redis_layer(own_redis.url, lease=LONG)
    first.claim(OURS)
    # As a heart would, but when the test says so.
    first._beat(first.shards[0])
    client = redis.Redis.from_url(own_redis.url)
    client.flushall()
    first._beat(first.shards[0])
    assert client.get(first.keys.deployment).decode() == OURS
    assert not is_free_for(THEIRS, make_redis_layer(own_redis.url, lease=LONG))


def test_a_server_that_is_away_at_the_start_is_claimed_when_it_is_back(make_redis_layer, own_redis):
    """L6: the process starts."""
    own_redis.kill()
    first = make_redis_layer(own_redis.url, lease=SHORT)
    first.claim(OURS)
    first.receive(["work"])
    own_redis.start()
    second = make_redis_layer(own_redis.url, lease=SHORT)
    client = redis.Redis.from_url(own_redis.url)
    wait_until(lambda: client.get(first.keys.deployment), "it is claimed", 10)
    assert not is_free_for(THEIRS, second)


def test_a_process_that_finds_another_deployment_later_says_so_once_a_minute(make_redis_layer, redis_url, caplog):
    """L6: both started while their Redis was away."""
    first, second = (make_redis_layer(redis_url, lease=LONG) for _ in range(2))
    first.claim(OURS)
    second.identity = THEIRS
    with caplog.at_level(logging.ERROR, "relay"):
        for _ in range(3):
            second._beat(second.shards[0])
            first._beat(first.shards[0])
        said = [record.getMessage() for record in caplog.records]
        assert len(said) == 1
        assert "CHANNEL_PREFIX" in said[0]
        second._complained_at -= 60
        second._beat(second.shards[0])
        assert len(caplog.records) == 2


def test_layers_that_belong_to_a_database_or_a_process_need_no_claim():
    """L6: two deployments can't meet there."""
    assert not DatabaseChannelLayer.claimable
    layer = ChannelLayer()
    assert not layer.claimable
    layer.claim(OURS)
    layer.claim(THEIRS)
