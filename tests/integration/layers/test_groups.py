"""Groups on every layer of relay's: a broadcast is one message for each interface process."""

import signal
import threading

import pytest
import redis

from relay.layers.redis import RedisChannelLayer
from tests.layers import Elsewhere, maker_of, stop
from tests.waiting import wait_until


@pytest.fixture
def elsewhere():
    worker = Elsewhere()
    yield worker
    worker.end()


def read(layer, process):
    """All that waits for an interface process: (channel, content)."""
    found = []
    while True:
        channel, content = layer.receive([process])
        if channel is None:
            return found
        found.append((channel, content))


def test_a_broadcast_reaches_every_socket_of_every_process_once(make_layer):
    """A1: more sockets than a channel's capacity, on two interface processes."""
    layer = make_layer(capacity=100)
    sockets = ["%s!%d" % (process, n) for process in ("one", "two") for n in range(500)]
    received = {"one!": [], "two!": []}
    for n, socket in enumerate(sockets):
        layer.group_add("g", socket)
        if n % 50 == 0:
            for process, messages in received.items():
                messages += read(layer, process)
    for n in range(3):
        layer.send_group("g", {"n": n})
    for process, messages in received.items():
        messages += read(layer, process)
    for process, messages in received.items():
        for n in range(3):
            got = [channel for channel, content in messages if content == {"n": n}]
            assert got == [socket for socket in sockets if socket.startswith(process)]


def test_a_take_gives_a_broadcast_once_with_all_its_sockets(make_layer):
    layer = make_layer()
    for socket in ("web!a", "web!b"):
        layer.group_add("g", socket)
    layer.send("web!a", {"to": "one"})
    layer.send_to_groups([("g", {"n": 1}), ("g", {"n": 2})])
    deliveries = layer.take(["web!"], 10)
    assert [(delivery.channels, delivery.content) for delivery in deliveries] == [
        (("web!a",), {"to": "one"}),
        (("web!a", "web!b"), {"n": 1}),
        (("web!a", "web!b"), {"n": 2}),
    ]


def test_adding_and_discarding_keep_their_place_among_the_messages(make_layer):
    layer = make_layer()
    layer.group_add("g", "web!a")
    layer.group_add("g", "web!b")
    layer.send_group("g", {"n": 1})
    layer.group_discard("g", "web!b")
    layer.send_group("g", {"n": 2})
    layer.group_add("g", "web!b")
    layer.send_group("g", {"n": 3})
    got = read(layer, "web!")
    assert [content["n"] for channel, content in got if channel == "web!a"] == [1, 2, 3]
    assert [content["n"] for channel, content in got if channel == "web!b"] == [1, 3]


def test_replies_and_broadcasts_to_a_socket_keep_their_order(make_layer):
    layer = make_layer()
    layer.group_add("g", "web!a")
    for n in range(0, 10, 2):
        layer.send("web!a", {"n": n})
        layer.send_group("g", {"n": n + 1})
    assert [content["n"] for _, content in read(layer, "web!")] == list(range(10))


def test_ordinary_channels_are_members_too(make_layer):
    layer = make_layer()
    layer.group_add("g", "log")
    layer.group_add("g", "audit")
    layer.group_add("g", "web!a")
    layer.send_to_groups([("g", {"n": 1}), ("g", {"n": 2})])
    assert sorted(layer.group_channels("g")) == ["audit", "log", "web!a"]
    for channel in ("log", "audit"):
        assert sorted(layer.receive([channel])[1]["n"] for _ in range(2)) == [1, 2]
    assert len(read(layer, "web!")) == 2


def test_a_member_that_is_not_renewed_leaves_and_one_that_is_stays(make_layer):
    """A12: stock asgi_redis looks at when a socket joined."""
    layer = make_layer(group_expiry=1)
    layer.group_add("g", "web!quiet")
    layer.group_add("g", "web!lively")
    read(layer, "web!")

    def only_the_lively_is_left():
        layer.group_add("g", "web!lively")
        return layer.group_channels("g") == ["web!lively"]

    wait_until(only_the_lively_is_left, "the quiet one has left")
    layer.groups.PRUNE_INTERVAL = 0

    def who_hears():
        layer.group_add("g", "web!lively")
        layer.send_group("g", {"n": 1})
        return [channel for channel, _ in read(layer, "web!")]

    # The process counts from when it read of the membership, which was a little later.
    wait_until(lambda: who_hears() == ["web!lively"], "only the lively one hears")


def test_a_process_whose_queue_is_full_misses_a_broadcast_and_that_is_counted(make_layer, caplog):
    layer = make_layer(channel_capacity={"slow!": 1, "quick!": 10})
    for socket in ("slow!a", "quick!a"):
        layer.group_add("g", socket)
    read(layer, "slow!")
    layer.send_group("g", {"n": 1})
    layer.send_group("g", {"n": 2})
    assert "1 messages for group g were dropped" in caplog.text
    assert {row.channel: row.full for row in layer.status() if row.full} == {"slow!": 1}
    assert [content["n"] for _, content in read(layer, "quick!")] == [1, 2]
    assert [content["n"] for _, content in read(layer, "slow!")] == [1]


def test_of_many_messages_for_a_group_a_queue_takes_what_fits(make_layer):
    layer = make_layer(capacity=5)
    layer.group_add("g", "web!a")
    read(layer, "web!")
    layer.send_to_groups([("g", {"n": n}) for n in range(8)])
    assert [content["n"] for _, content in read(layer, "web!")] == [0, 1, 2, 3, 4]
    assert [row.full for row in layer.status()] == [3]


def test_names_are_checked_strictly(make_layer):
    """A24"""
    layer = make_layer()
    for call in (
        lambda: layer.send("c\n", {}),
        lambda: layer.group_add("g\n", "c"),
        lambda: layer.group_discard("g", "c c"),
        lambda: layer.group_channels("g h"),
        lambda: layer.send_group("g h", {}),
    ):
        with pytest.raises(TypeError):
            call()


# What happens when there are several processes, and when the server forgets.


def test_the_sockets_of_a_process_that_is_gone_leave_all_groups(meeting, elsewhere):
    """A13"""
    layer = meeting.make()
    web = meeting.make()
    for group in ("g", "h"):
        layer.group_add(group, "web!a")
        layer.group_add(group, "other!a")
    read(layer, "other!")
    elsewhere(read, web, "web!")
    threading.Event().wait(1.5)  # Longer than a lease: it stays, for it beats.
    wait_until(lambda: sorted(layer.group_channels("g")) == ["other!a", "web!a"], "it beats")
    elsewhere.end()
    for group in ("g", "h"):
        wait_until(lambda group=group: layer.group_channels(group) == ["other!a"], "its sockets are gone")


def test_a_process_that_ends_in_good_order_is_gone_at_once(meeting):
    web = meeting.make(lease=60)
    web.group_add("g", "web!a")
    read(web, "web!")
    web.close()
    assert meeting.make().group_channels("g") == []


def test_a_process_whose_reader_ended_before_it_is_gone_at_once(meeting, elsewhere):
    """An interface server's reader is a thread of its own."""
    web = meeting.make(lease=60)
    web.group_add("g", "web!a")
    elsewhere(read, web, "web!")
    elsewhere.end()
    wait_until(lambda: not web.readers.living(), "its end is noticed")
    web.close()
    assert meeting.make().group_channels("g") == []


def test_who_counted_as_dead_for_a_moment_puts_its_groups_back(meeting):
    """The server tells; by the clock of a process that stood still itself, it may not have been for a lease."""
    web = meeting.make(lease=60)
    web.group_add("g", "web!a")
    read(web, "web!")
    heart = web.hearts[0]
    wait_until(lambda: heart.restoring and not heart.restoring.is_alive(), "the first beat")
    # It gives everybody time: nobody knows for how long the server stood still before.
    wait_until(lambda: was_swept(web), "the first clean-up")
    restored = []
    web.on_restore.append(lambda: restored.append(True))
    bury(web)
    assert meeting.make().group_channels("g") == []
    heart.beat(web)
    wait_until(lambda: restored, "they are put back")
    assert meeting.make().group_channels("g") == ["web!a"]


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_who_is_buried_while_he_says_that_he_lives_is_told_so(kind, request, monkeypatch):
    """A sweep between the two statements of a heartbeat removed the process from its groups, unnoticed."""
    make = maker_of(kind, request)
    web, other = make(lease=60), make(lease=60)
    web.group_add("g", "web!a")
    read(web, "web!")
    heart = web.hearts[0]
    wait_until(lambda: heart.restoring and not heart.restoring.is_alive(), "the first beat")
    # The first sweep extends every life.
    wait_until(lambda: was_swept(web), "the first clean-up")
    prolong, burials = web.store.prolong, []

    def bury_and_sweep():
        bury(other)
        other._clean_up(other.remotes[0], 0)

    def prolong_late(*args):
        if not burials:
            burials.append(threading.Thread(target=bury_and_sweep))
            burials[0].start()
            burials[0].join(1)
        prolong(*args)

    monkeypatch.setattr(web.store, "prolong", prolong_late)
    heart.beat(web)
    burials[0].join()
    heart.beat(web)
    wait_until(lambda: other.group_channels("g") == ["web!a"], "they are put back")


def bury(layer):
    """Have its interface processes count as dead, before anybody cleans up after them."""
    if isinstance(layer, RedisChannelLayer):
        client, processes = layer.connection(0), layer.keys.shared[1]
        for name in client.zrange(processes, 0, -1):
            client.execute_command("ZADD", processes, 1, name)
    else:
        end = "UPDATE relay_life SET until = 1 WHERE kind = 'process'"
        layer.store.do(lambda cursor: layer.store.change(cursor, end))


def was_swept(layer):
    if isinstance(layer, RedisChannelLayer):
        return layer.connection(0).exists(layer.keys.swept)
    return layer.store.do(lambda cursor: layer.store.select(cursor, "SELECT 1 FROM relay_epoch WHERE swept > 0"))


def test_a_process_that_ends_while_it_puts_its_groups_back_is_gone_as_well(meeting, monkeypatch):
    """With its first beat it puts them back; what came after its farewell counted as a new life, for a whole lease."""
    web = meeting.make(lease=60)
    web.group_add("g", "web!a")
    read(web, "web!")
    wait_until(lambda: web.hearts[0].restoring, "the first beat")
    heart, add, held, closed = web.hearts[0], web._add, threading.Event(), threading.Event()
    heart.restoring.join()

    def slowly(*args):
        held.set()
        closed.wait(0.5)
        add(*args)

    monkeypatch.setattr(web, "_add", slowly)
    heart.restoring = threading.Thread(target=heart.restore, args=(web,))
    heart.restoring.start()
    assert held.wait(10)
    web.close()
    closed.set()
    heart.restoring.join()
    assert meeting.make().group_channels("g") == []


def test_commands_per_broadcast_do_not_grow_with_the_members(make_redis_layer, own_redis):
    """A2"""
    # Nobody beats: the process lives for a lease from its first member on.
    layer = make_redis_layer(own_redis.url, capacity=100_000, lease=600)
    client = redis.Redis.from_url(own_redis.url)

    def commands(members):
        for n in range(members):
            layer.group_add("g%d" % members, "web!%d" % n)
        client.config_resetstat()
        layer.send_group("g%d" % members, {"n": 1})
        return sum(stats["calls"] for name, stats in client.info("commandstats").items() if "config" not in name)

    commands(1)  # The scripts are known to the server, and the sender.
    assert commands(10) == commands(5000) < 20


def test_groups_are_put_back_when_the_server_has_lost_its_data(own_redis, make_redis_layer):
    """A26: after a FLUSHALL the sockets would stay open, in no group, and hear nothing any more."""
    web = make_redis_layer(own_redis.url, lease=1)
    for n in range(1500):
        web.group_add("g", "web!%d" % n)
    read(web, "web!")
    wait_until(lambda: web.hearts[0].epoch, "the first beat")
    redis.Redis.from_url(own_redis.url).flushall()
    worker = make_redis_layer(own_redis.url)
    wait_until(lambda: len(worker.group_channels("g")) == 1500, "the group is whole", 10)
    heard = []

    def hears():
        # A process that was held up for a lease counts as dead, and as living with its next beat.
        worker.send_group("g", {"n": 1})
        heard[:] = read(web, "web!")
        return heard

    wait_until(hears, "it hears", 10)
    assert len(heard) == 1500


def test_groups_are_put_back_when_the_server_was_away(own_redis, make_redis_layer):
    """A failover can lose the newest writes and keep the epoch: after each loss of the connection they are put back."""
    web = make_redis_layer(own_redis.url, lease=1)
    restored = threading.Event()
    web.group_add("g", "web!a")
    read(web, "web!")
    wait_until(lambda: web.hearts[0].epoch, "the first beat")
    own_redis.kill()
    wait_until(lambda: web.shards[0].failures, "it is noticed")
    web.on_restore.append(restored.set)
    own_redis.start()
    assert restored.wait(10)
    assert web.group_channels("g") == ["web!a"]


def test_what_waits_for_a_process_that_is_gone_is_dropped_and_counted(meeting, elsewhere):
    layer, web = meeting.make(group_expiry=86400), meeting.make()
    layer.group_add("g", "web!a")
    elsewhere(read, web, "web!")
    layer.send("web!a", {"n": 1})
    layer.receive(["sweeping"])
    elsewhere.end()
    wait_until(lambda: {row.channel: row.expired for row in layer.status()}.get("web!", 1) == 1, "it is counted")
    wait_until(lambda: "web!" not in {row.channel for row in layer.status() if row.depth}, "nothing is left of it")


WEB = """
while True:
    channel, content = layer.receive(["web!"], block=True)
    print("reads", channel, flush=True)
"""


def test_an_interface_process_that_stood_still_is_in_its_groups_again(meeting):
    """It was taken for dead, and its groups have dropped it; nobody adds its sockets again but itself."""
    layer = meeting.make(lease=0.5)
    layer.group_add("g", "web!a")
    layer.group_add("g", "web!b")
    layer.send("web!a", {"n": 0})
    web = meeting.program(WEB, lease=0.5)
    try:
        assert web.stdout.readline() == "reads web!a\n"
        wait_until(lambda: all(row.in_flight == 0 for row in layer.status()), "it waits")
        stop(web.pid, layer)
        layer.receive(["sweeping"])
        wait_until(lambda: layer.send_group("g", {"n": 1}) or layer.group_channels("g") == [], "it is taken for dead")
        web.send_signal(signal.SIGCONT)
        wait_until(lambda: sorted(layer.group_channels("g")) == ["web!a", "web!b"], "it is back")
    finally:
        web.kill()
        web.wait()
