"""Two servers with a channel layer in memory are given one SQLite file (P8)."""

import signal
import sys

import pytest

from tests.deployments import Deployment
from tests.ports import free_port
from tests.waiting import FACTOR, wait_until

RUNSERVER = "%s manage.py runserver --nothreading 127.0.0.1:%d%s"


@pytest.fixture
def chat(tmp_path, sqlite_url):
    made = Deployment(tmp_path, sqlite_url, "", "")
    yield made
    made.stop()


@pytest.mark.parametrize("option", ["", " --noreload"])
def test_the_second_server_on_a_database_is_told_who_is_there(chat, option):
    """P8: both started, and messages sent to one did not reach the other."""
    ports = [free_port() for _ in range(3)]
    commands = [RUNSERVER % (sys.executable, port, option) for port in ports]
    first = chat.start(commands[0])
    wait_until(lambda: "listens on" in chat.log(first) or first.poll() is not None, "the first serves", 40)
    second = chat.start(commands[1])
    assert second.wait(40 * FACTOR) == 1
    chat.processes.remove(second)
    said = chat.log(second)
    assert "http://127.0.0.1:%d" % ports[0] in said
    assert "DATABASES" in said
    assert "Traceback" not in said
    assert first.poll() is None
    if option == " --noreload":
        assert "pid %d," % first.pid in said
        # The kernel gives the lock up, whatever ended the process.
        first.send_signal(signal.SIGKILL)
        first.wait()
        chat.processes.remove(first)
        third = chat.start(commands[2])
        wait_until(lambda: "listens on" in chat.log(third), "the third serves", 40)
