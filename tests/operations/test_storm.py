"""A reconnect storm: an interface server dies, and all that it held come back at once."""

import os
import resource
import time

import psycopg2
import pytest

from tests.databases import settings_of
from tests.talkers import BROKEN
from tests.waiting import FACTOR, wait_until

#: Sockets of two interface servers, and how many of them are in one room. TESTS_CROWD=5000 takes some minutes.
CROWD = int(os.environ.get("TESTS_CROWD", "200"))
ROOM = 50 if CROWD <= 1000 else 100
#: Transactions of the database that one who comes back may cost.
COST = 15

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
    pytest.mark.timeout((200 + CROWD / 5) * FACTOR),
]


@pytest.fixture(autouse=True)
def many_files():
    """For this process, and those that it starts."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def transactions(url):
    """How many the database has seen. Its processes tell with a delay of a second at most."""
    options = settings_of(url)
    connection = psycopg2.connect(host=options["OPTIONS"]["host"], user="postgres", dbname=options["NAME"])
    with connection.cursor() as cursor:
        query = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
        cursor.execute(query)
        (found,) = cursor.fetchone()
    connection.close()
    return found


def acknowledged(company):
    return sum(len(talker.acknowledged) for talker in company.talkers)


def gather(company):
    """Talkers in the first rooms, and all the others, some at a time."""
    for number in range(CROWD // ROOM):
        talkers = 2 if number < 4 else 0
        company.invite(["room%d" % number], talkers, ROOM - talkers, pace=0.2)
        wait_until(lambda: all(talker.is_in for talker in company.talkers), "they are in", 60)


def test_a_storm_of_returning_clients_passes_quickly_and_nobody_misses_anything(fleet, database_url, report):
    """J4. The other half notices little."""
    chat = fleet(RELAY_KEEPALIVE_INTERVAL=20).start_fleet(webs=2, workers=2)
    with chat.company() as company:
        company.silence = 60  # In most rooms nobody says anything.
        gather(company)
        company.wait_until_talking()
        victim, survivor = chat.ports
        cut = company.at(chat.ports[victim])
        untouched = company.at(chat.ports[survivor])
        before, said, calm = transactions(database_url), acknowledged(company), time.monotonic()
        company.wait_until_talking(20)  # Long enough for figures that are told once a second.
        seen, passed = transactions(database_url) - before, time.monotonic() - calm
        rate, usual = seen / passed, seen / (acknowledged(company) - said)
        company.start_over()
        before, said = transactions(database_url), acknowledged(company)
        began, port = time.monotonic(), chat.ports[victim]
        chat.kill(victim)
        chat.add_web(wait=False, port=port)
        wait_until(lambda: all(t.is_in and t.welcomed_at > began for t in cut), "all are back", 60 + CROWD / 10)
        back = sorted(talker.welcomed_at - began for talker in cut)
        worst = max(talker.slowest for talker in untouched)
        whole = company.wait_until_whole(began)
        company.wait_until_talking(5)
        seen, passed = transactions(database_url) - before, time.monotonic() - began
        print("\n%d of %d cut off; the untouched waited %.2f s at most for a message" % (len(cut), CROWD, worst))
        said = acknowledged(company) - said
        print("%.0f transactions a second before, %.0f in the storm" % (rate, seen / passed))
        names = {"half back": back[len(back) // 2], "99% back": back[int(len(back) * 0.99)], "all back": back[-1]}
        report(company, **names, whole=whole)
    company.check()
    assert set(company.ends()) == {BROKEN}
    assert not any(talker.ends for talker in untouched), "only those of the killed server were cut off"
    assert seen - usual * said < COST * len(cut)
    assert chat.all_run()
