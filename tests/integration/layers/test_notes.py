"""What processes say of themselves, on every layer."""

from channels.asgi import ChannelLayerWrapper

from relay.layers.upkeep import NOTES
from relay.metrics import scrape
from tests.services import RedisServer
from tests.waiting import wait_until


def test_what_a_process_says_of_itself_holds_for_a_while(make_layer):
    """Kinds are kept apart. A worker that says that it ends is gone at once; one that says no more, after its time."""
    layer = make_layer(lease=1)
    for kind in NOTES:
        layer.note(kind, "one", {"kind": kind, "samples": "x" * 5000}, 60)
    layer.note("worker", "two", {"channels": ["a"]}, 0.5)
    other = make_layer()
    assert {kind: other.notes(kind)["one"]["kind"] for kind in NOTES} == {kind: kind for kind in NOTES}
    assert other.workers().keys() <= {"one", "two"}
    wait_until(lambda: other.workers().keys() == {"one"}, "who says nothing is forgotten")
    layer.note("worker", "one", {}, 0)
    assert other.workers() == {}
    assert other.notes("interface").keys() == {"one"}
    layer.note_worker("three", {"channels": []}, 60)
    assert other.notes("worker") == {"three": {"channels": []}}


def test_a_scrape_says_that_one_of_several_redis_servers_is_away(
    redis_url, own_redis: RedisServer, make_redis_layer, settings_override
):
    """It is answered by way of the others, so the alert ParleyLayerIsPartlyAway has something to see."""
    settings_override(RELAY_SCRAPED=[])
    layer = make_redis_layer(redis_url, own_redis.url)

    def says(line):
        return line in scrape.scraped(ChannelLayerWrapper(layer, "default", []))

    assert says(b"relay_layer_up 1.0")
    own_redis.kill()
    # Who has met it away for a while takes another first.
    wait_until(lambda: says(b"relay_layer_up 0.0") and layer.shards[1].pause() > 0.2, "its absence is known")
    layer.send("http.request", {"path": "/metrics"})
    assert layer.receive(["http.request"])[1] == {"path": "/metrics"}
