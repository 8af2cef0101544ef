"""A Redis master dies under load, or stands still, and Sentinel has its replica take over."""

import os
import time

import pytest
import redis

from tests.waiting import FACTOR, wait_until

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
    pytest.mark.timeout(200 * FACTOR),
]


def die(master):
    master.kill()


def stand_still(master):
    master.freeze()


#: What stands still is found out by time limits, which takes its time.
ENDS = [die, stand_still] if "TESTS_OUTAGE" in os.environ else [die]


@pytest.mark.parametrize("end", ENDS)
def test_a_failover_loses_no_message_and_closes_no_socket(fleet, sentinel_servers, end, report):
    """A26, A28: what only the master had is said again by whoever said it."""
    master, replica, sentinel = sentinel_servers
    sentinels = "127.0.0.1:%d" % sentinel.port
    chat = fleet(REDIS_URL="", REDIS_SENTINELS=sentinels, REDIS_SENTINEL_SERVICE="chat").start_fleet(webs=1)
    with chat.company().invite("ab") as company:
        company.wait_until_talking()
        company.start_over()
        began = time.monotonic()
        end(master)
        client = redis.Redis(port=replica.port)
        wait_until(lambda: client.info("replication")["role"] == "master", "the replica is master", 30)
        failover = time.monotonic() - began
        report(company, failover=failover, whole=company.wait_until_whole(began))
    company.check()
    assert company.ends() == []
    assert chat.all_run()
    chat.stop()
    master.thaw()
