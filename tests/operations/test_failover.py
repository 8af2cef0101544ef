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
    fail_over(fleet, sentinel_servers, end, report)


def test_a_failover_goes_as_well_when_no_master_may_be_alone(fleet, guarded_servers, report):
    """min-replicas-to-write, as deploy/README.md asks for: the new master has a replica left, and takes messages."""
    master = fail_over(fleet, guarded_servers, die, report)
    assert master.config_get("min-replicas-to-write") == {"min-replicas-to-write": "1"}
    assert master.info("replication")["min_slaves_good_slaves"] == 1


def fail_over(fleet, servers, end, report):
    """It happens to a master under load, and nobody loses anything. Returns a client of the new master."""
    master, *replicas, sentinel = servers
    sentinels = "127.0.0.1:%d" % sentinel.port
    chat = fleet(REDIS_URL="", REDIS_SENTINELS=sentinels, REDIS_SENTINEL_SERVICE="chat").start_fleet(webs=1)
    clients = [redis.Redis(port=replica.port) for replica in replicas]

    def promoted():
        return [client for client in clients if client.info("replication")["role"] == "master"]

    with chat.company().invite("ab") as company:
        company.wait_until_talking()
        company.start_over()
        began = time.monotonic()
        end(master)
        (client,) = wait_until(promoted, "a replica is master", 30)
        failover = time.monotonic() - began
        report(company, failover=failover, whole=company.wait_until_whole(began))
    company.check()
    assert company.ends() == []
    assert chat.all_run()
    chat.stop()
    master.thaw()
    return client
