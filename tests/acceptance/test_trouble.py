"""Redis goes away under a running chat, in every way it can (J2); and an interface server dies."""

import signal
import time

import pytest
import redis

from tests.proxy import Proxy
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


def kill_and_start(server, proxy):
    server.kill()
    time.sleep(1)
    server.start()


def lose_answers(server, proxy):
    for _ in range(60):
        proxy.lose_next()
        time.sleep(0.05)


def restart_in_order(server, proxy):
    server.stop()
    time.sleep(1)
    server.start()


#: A Redis that keeps what it has on the disk, as deploy/ runs it: what a second had is lost when it is killed.
DURABLE = ("--appendonly", "yes", "--appendfsync", "everysec")
TROUBLES = [
    ((), freeze),
    ((), cut_connections),
    ((), lose_data),
    ((), kill_and_start),
    ((), lose_answers),
    (DURABLE, restart_in_order),
    (DURABLE, kill_and_start),
]


@pytest.mark.parametrize(
    ("own_redis", "trouble"),
    TROUBLES,
    indirect=["own_redis"],
    ids=["%s%s" % (t.__name__, "-aof" * bool(o)) for o, t in TROUBLES],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_redis_in_trouble_loses_and_doubles_nothing_and_the_groups_are_whole_again(fleet, own_redis, trouble, report):
    """A5, A26, A27, B5"""
    with Proxy(own_redis.port) as proxy:
        chat = fleet(REDIS_URL="redis://127.0.0.1:%d/0" % proxy.port).start_fleet(webs=1)
        with chat.company().invite("ab", talkers=2, listeners=1) as company:
            company.wait_until_talking()
            company.start_over()
            trouble(own_redis, proxy)
            over = time.monotonic()
            wait_until(lambda: all(len(chat.members(room)) >= 3 for room in "ab"), "the groups are whole", 10)
            groups = time.monotonic() - over
            report(company, groups=groups, whole=company.wait_until_whole(over))
        assert chat.all_run(), chat.logs()
        chat.stop()
    company.check()
    assert company.ends() == [], "no socket was closed"


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
