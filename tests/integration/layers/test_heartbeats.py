"""A process that is there counts as living, whatever becomes of one of its beats."""

import os
import subprocess
import sys
import time

import pytest

from relay import scripts
from tests.databases import ROOT
from tests.proxy import Proxy
from tests.waiting import FACTOR, wait_until

#: TESTS_STOPS: how often a connection is held up, for four fifths of a lease of five seconds. Else for longer than a
#: lease, which is shorter.
ROUNDS = int(os.environ.get("TESTS_STOPS", "2"))
LEASE, HELD = (5, 4) if "TESTS_STOPS" in os.environ else (2, 2.4)


def port_of(url):
    return int(url.rpartition(":")[2].partition("/")[0])


@pytest.mark.timeout((60 + 2 * ROUNDS * HELD) * FACTOR)
def test_a_beat_that_gets_no_answer_costs_no_life(make_redis_layer, redis_url):
    """L2: its connection is silent for nearly a lease, or more, and others clean up meanwhile."""
    worker = make_redis_layer(redis_url, lease=LEASE, capacity=1000)
    worker.receive(["work"])  # It cleans up as well.
    with Proxy(port_of(redis_url)) as proxy:
        web = make_redis_layer("redis://127.0.0.1:%d/0" % proxy.port, lease=LEASE, capacity=1000)
        web.receive(["web!"])
        web.group_add("g", "web!a")
        wait_until(lambda: web.hearts[0].epoch, "the first beat")
        sent = 0
        for held in range(1, ROUNDS + 1):
            proxy.hold_up(scripts.digest("beat").encode(), HELD)
            wait_until(lambda held=held: proxy.held == held, "a beat is held up")
            until = time.monotonic() + HELD
            while time.monotonic() < until:
                worker.send_group("g", {"n": sent})
                sent += 1
                assert worker.group_channels("g") == ["web!a"]
                assert web.receive(["web!"])[1] == {"n": sent - 1}, "no broadcast is missed"
                time.sleep(LEASE / 20)


def test_what_takes_its_time_on_a_server_holds_up_no_beat(make_redis_layer, redis_url, monkeypatch):
    """L2: a clean-up, or what had to wait for the server."""
    layer = make_redis_layer(redis_url, lease=1)
    monkeypatch.setattr(layer, "_clean_up", lambda *args: time.sleep(20))
    layer.receive(["work"])
    wait_until(lambda: layer.hearts[0].epoch, "the first beat")
    first = layer.hearts[0].beaten
    wait_until(lambda: layer.hearts[0].beaten > first + 0.5, "it beats", 5)


def test_beats_on_postgresql_find_out_soon_that_their_connection_is_dead(make_database_layer, postgresql_url):
    """L2: as soon as a Redis layer; others' connections wait for longer (DATABASES)."""
    layer = make_database_layer(postgresql_url, lease=5)
    seen = []
    beat = layer.store.beat

    def noted(*args):
        answer = beat(*args)
        seen.append(layer.store.connection.get_connection_params())
        return answer

    layer.store.beat = noted
    layer.receive(["work"])
    wait_until(lambda: seen, "a beat")
    assert seen[0]["tcp_user_timeout"] <= 1000 * 5 / 4
    assert "tcp_user_timeout" not in layer.store.connection.get_connection_params()


def test_there_is_a_clock_for_beats_where_only_linux_has_the_best_one():
    """L4: macOS has no CLOCK_BOOTTIME."""
    code = "import time; del time.CLOCK_BOOTTIME; import project; from relay.layers.heart import now; assert now() > 0"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("delay", [0.1, 0.4])
def test_what_rests_is_delivered_when_it_has_rested(make_layer, delay):
    """L5: it waited for the next clean-up, for up to a second."""
    layer = make_layer(lease=30)
    layer.send("c", {"n": 1})
    layer.give_back(layer.take(["c"]), "not now", delay=delay)
    began = time.monotonic()
    found = []
    wait_until(lambda: found.extend(layer.take(["c"], 1, block=True)) or found, "it is delivered again")
    assert time.monotonic() - began < delay + 1.5, "no clean-up comes within that time"
