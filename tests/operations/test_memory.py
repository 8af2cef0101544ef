"""Memory runs out: Redis has none to give, and a worker takes too much."""

import contextlib
import secrets
import signal
import time
from pathlib import Path

import pytest
import redis

from tests.deployments import procfile
from tests.waiting import FACTOR, wait_until

pytestmark = [
    pytest.mark.usefixtures("database"),
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
    pytest.mark.timeout(200 * FACTOR),
]


@pytest.mark.parametrize("own_redis", [("--maxmemory-policy", "noeviction")], indirect=True)
def test_redis_without_memory_makes_senders_wait_and_nothing_is_lost(fleet, own_redis, report):
    """What is there can still be taken and acknowledged; sends are tried until there is room."""
    chat = fleet(REDIS_URL=own_redis.url).start_fleet(webs=1)
    client = redis.Redis.from_url(own_redis.url)
    with chat.company().invite("ab") as company:
        company.wait_until_talking()
        company.start_over()
        client.config_set("maxmemory", 1)
        wait_until(lambda: "takes no commands now" in chat.logs(), "it is noticed")
        began, said = time.monotonic(), [len(talker.acknowledged) for talker in company.talkers]
        time.sleep(2)  # So long there is none: this is the trouble, not a wait for something.
        held_up = sum(len(talker.acknowledged) for talker in company.talkers) - sum(said)
        assert held_up <= len(company.talkers), "nothing new gets in"
        client.config_set("maxmemory", 0)
        report(company, whole=company.wait_until_whole(time.monotonic()), away=time.monotonic() - began)
    company.check()
    assert company.ends() == []
    assert chat.all_run()
    chat.stop()


class MemoryLimit:
    """A control group of Linux, whose processes are killed if together they take more than they may."""

    def __init__(self):
        root = Path("/sys/fs/cgroup")
        self.is_old = (root / "memory").is_dir()
        self.path = (root / "memory" if self.is_old else root) / ("parley-" + secrets.token_hex(4))
        try:
            self.path.mkdir()
            self.limit = self.path / ("memory.limit_in_bytes" if self.is_old else "memory.max")
            assert self.limit.exists()
        except (OSError, AssertionError) as e:
            pytest.skip("control groups with memory limits can't be made here: %s" % e)

    def prefix(self):
        """What comes before a command that is to run in it."""
        return "sh -c 'echo $$ > %s/cgroup.procs && exec \"$@\"' sh " % self.path

    def tighten(self, spare):
        """Leave them so many bytes beside what they have. Files that are read again are not counted."""
        stat = dict(line.split() for line in (self.path / "memory.stat").read_text().splitlines())
        self.limit.write_text(str(int(stat["rss" if self.is_old else "anon"]) + spare))

    def remove(self):
        # Its last process may just be ending.
        wait_until(self.is_removed, "the control group is removed")

    def is_removed(self):
        with contextlib.suppress(OSError):
            self.path.rmdir()
        return not self.path.exists()


@pytest.fixture
def memory_limit():
    limit = MemoryLimit()
    yield limit
    limit.remove()


def test_a_worker_that_is_killed_for_its_memory_is_replaced_and_nothing_is_lost(memory_limit, fleet, report):
    chat = fleet()
    greedy = chat.add_worker(command=memory_limit.prefix() + procfile()["worker"].removeprefix("exec "))
    chat.add_web()
    with chat.company().invite("ab") as company, chat.socket("/chat/large/") as large:
        large.next("welcome")
        company.wait_until_talking()
        company.start_over()
        chat.add_worker()
        memory_limit.tighten(spare=3_000_000)
        refused = 0
        while greedy.poll() is None:
            # Each is taken from the layer, looked at, and refused: that takes some megabytes.
            large.send("x" * 900_000)
            assert large.next("error", patience=20)["code"] == "message_too_long"
            refused += 1
            assert refused < 500, "it is not killed"
        began = time.monotonic()
        assert greedy.returncode == -signal.SIGKILL
        chat.forget(greedy)
        chat.add_worker()
        report(company, whole=company.wait_until_whole(began))
    company.check()
    assert company.ends() == []
    assert chat.all_run()
