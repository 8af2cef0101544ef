"""Restarts and deaths of workers and interface servers under load: the rolling upgrade, and what goes wrong with it."""

import time

import pytest

from tests.talkers import BROKEN
from tests.waiting import FACTOR, wait_until

#: The close code of a server that goes away.
RESTART = 1012

pytestmark = [pytest.mark.usefixtures("database"), pytest.mark.timeout(200 * FACTOR)]

postgresql_only = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@postgresql_only
@pytest.mark.parametrize("layer_kind", ["redis", "database"], indirect=True)
def test_workers_are_replaced_one_by_one_and_no_socket_notices(fleet, report):
    """J4"""
    chat = fleet().start_fleet(webs=1, workers=2)
    with chat.company().invite("ab") as company:
        company.wait_until_talking()
        company.start_over()
        began = time.monotonic()
        for worker in list(chat.workers):
            chat.add_worker()
            chat.retire(worker)
        report(company, whole=company.wait_until_whole(began))
    company.check()
    assert company.ends() == []
    assert chat.all_run()


@postgresql_only
def test_interface_servers_are_replaced_one_by_one_and_each_client_is_told_when_to_come_back(fleet, report):
    """J4, D13"""
    chat = fleet().start_fleet(webs=2, workers=2)
    with chat.company().invite("abc", talkers=2, listeners=2) as company:
        company.wait_until_talking()
        company.start_over()
        began = time.monotonic()
        for web in list(chat.ports):
            chat.add_web()
            wait_until(lambda: all(talker.is_in for talker in company.talkers), "everybody is somewhere")
            after = len(company.ends()) + len(company.at(chat.ports[web]))
            chat.retire(web)
            wait_until(lambda after=after: len(company.ends()) >= after, "they have noticed")
            assert len(company.ends()) == after, "the others have not"
        report(company, whole=company.wait_until_whole(began))
    company.check()
    assert set(company.ends()) == {RESTART}
    assert company.told == len(company.ends()), "each was told when to come back"
    assert chat.all_run()


@postgresql_only
def test_a_killed_interface_server_costs_no_message_and_the_other_goes_on(fleet, report):
    """J4, A13"""
    chat = fleet().start_fleet(webs=2, workers=2)
    with chat.company().invite("ab", talkers=2, listeners=2) as company:
        company.wait_until_talking()
        company.start_over()
        victim = next(web for web in chat.ports if company.at(chat.ports[web]))
        inside, began = company.at(chat.ports[victim]), time.monotonic()
        chat.kill(victim)
        report(company, whole=company.wait_until_whole(began))
    company.check()
    assert company.ends() == [BROKEN] * len(inside)
    assert chat.all_run()
