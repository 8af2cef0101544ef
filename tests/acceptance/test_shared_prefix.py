"""Two deployments of the chat, with a database each, are given one Redis and one prefix (L6)."""

import sys

import pytest

from tests.deployments import Deployment, procfile
from tests.ports import free_port
from tests.waiting import FACTOR, wait_until

#: Prints the texts of all messages.
SAID = "from chatapp.models import ChatMessage; print(list(ChatMessage.objects.values_list('message', flat=True)))"
RUNSERVER = "%s manage.py runserver --nothreading 127.0.0.1:%d"


@pytest.fixture
def other(tmp_path, postgresql_url, redis_url, redis_prefix):
    """A deployment that is configured as the first, but for its database."""
    folder = tmp_path / "other"
    folder.mkdir()
    made = Deployment(folder, postgresql_url, redis_url, redis_prefix)
    yield made
    made.stop()


@pytest.fixture
def first(tmp_path, sqlite_url, redis_url, redis_prefix):
    made = Deployment(tmp_path, sqlite_url, redis_url, redis_prefix)
    yield made.start_all(workers=1)
    made.stop()


def said_in(deployment, text):
    """Somebody says something, and it is stored."""
    with deployment.socket() as socket:
        socket.next("welcome")
        socket.send({"message": text})
        return socket.next("message", lambda frame: frame["message"] == text)


def test_a_second_deployment_on_the_prefix_is_refused_at_its_start_and_the_first_goes_on(first, other):
    """L6: of 78 messages 26 went into the other's database."""
    commands = [
        procfile()["web"],
        procfile()["worker"],
        "%s manage.py runwsserver 127.0.0.1:%d" % (sys.executable, free_port()),
        RUNSERVER % (sys.executable, free_port()),
        (RUNSERVER % (sys.executable, free_port())) + " --noreload",
    ]
    refused = [other.start(command) for command in commands]
    for command, process in zip(commands, refused, strict=True):
        assert process.wait(40 * FACTOR) == 1, command
        said = other.log(process)
        assert "CHANNEL_PREFIX" in said, command
        assert "Another deployment" in said, command
        assert "Traceback" not in said, command
    other.processes.clear()
    said_in(first, "hello")
    # Another process of the deployment that has it is let in.
    more = first.start(procfile()["worker"])
    wait_until(lambda: "listens on" in first.log(more), "a second worker works", 40)
    # With a prefix of its own it runs beside the first.
    other.environment["CHANNEL_PREFIX"] += "other:"
    other.start_all(workers=1)
    said_in(other, "from the other")
    said_in(first, "hello again")
    assert "from the other" not in first.manage("shell", "-c", SAID)
    assert "hello" not in other.manage("shell", "-c", SAID)


def test_the_prefix_can_be_used_at_once_when_a_deployment_has_ended_in_good_order(first, other):
    """L6: its database is replaced, for example."""
    first.stop()
    first.processes.clear()
    other.start_all(workers=1)
    said_in(other, "hello")
