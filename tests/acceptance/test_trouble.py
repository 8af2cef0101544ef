"""Redis goes away under a running chat, in every way it can (J2); and an interface server dies."""

import signal
import time

import pytest
import redis

from tests.proxy import Proxy
from tests.talkers import Talker, check_what_is_stored
from tests.waiting import FACTOR, wait_until

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.timeout(200 * FACTOR)]


def freeze(server, proxy):
    server.freeze()
    time.sleep(10)  # So long it stands still: this is the trouble, not a wait for something.
    server.thaw()


def cut_connections(server, proxy):
    client = redis.Redis.from_url(server.url)
    for _ in range(5):
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        time.sleep(0.3)


def lose_data(server, proxy):
    redis.Redis.from_url(server.url).flushall()


def restart_empty(server, proxy):
    server.kill()
    time.sleep(1)
    server.start()


def lose_answers(server, proxy):
    for _ in range(60):
        proxy.lose_next()
        time.sleep(0.05)


@pytest.mark.parametrize("trouble", [freeze, cut_connections, lose_data, restart_empty, lose_answers])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_redis_in_trouble_loses_and_doubles_nothing_and_the_groups_are_whole_again(deployment, own_redis, trouble):
    """A5, A26, A27, B5"""
    with Proxy(own_redis.port) as proxy:
        chat = deployment(REDIS_URL="redis://127.0.0.1:%d/0" % proxy.port).start_all()
        with chat.socket("/chat/a/") as listener:
            listener.next("welcome")
            talkers = [Talker(chat, room, "%s%d" % (room, n)) for room in "ab" for n in range(3)]
            wait_until(lambda: all(len(talker.acknowledged) > 5 for talker in talkers), "all talk", 60)
            trouble(own_redis, proxy)
            over = time.monotonic()
            wait_until(lambda: len(chat.members("a")) >= 4 and len(chat.members("b")) >= 3, "the groups are whole", 10)
            print("Groups whole %.1f s after %s" % (time.monotonic() - over, trouble.__name__))
            before = {talker: len(talker.acknowledged) for talker in talkers}
            wait_until(lambda: all(len(t.acknowledged) > n + 5 for t, n in before.items()), "all talk again", 60)
            print("Talking again %.1f s after %s" % (time.monotonic() - over, trouble.__name__))
            for talker in talkers:
                talker.stopped.set()
                talker.join(30)
            newest = max(seq for talker in talkers if talker.room == "a" for seq in talker.acknowledged.values())
            assert listener.next("message", where=lambda frame: frame["seq"] >= newest)["room"] == "a"
        assert all(process.poll() is None for process in chat.processes), chat.logs()
        chat.stop()
    check_what_is_stored(talkers)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_sockets_of_a_killed_interface_server_are_out_of_all_groups_within_15_seconds(deployment):
    """A13: and no keepalive has to end for it."""
    chat = deployment(RELAY_KEEPALIVE_INTERVAL=600).start_all(workers=1)
    with chat.socket("/chat/a/") as ann, chat.socket("/chat/b/") as ben:
        ann.next("welcome")
        ben.next("welcome")
        wait_until(lambda: len(chat.members("a")) == len(chat.members("b")) == 1, "they are in their groups")
        chat.web.send_signal(signal.SIGKILL)
        chat.web.wait()
        chat.processes.remove(chat.web)
    wait_until(lambda: chat.members("a") == chat.members("b") == [], "they are gone", 15)
