import pytest
from daphne import cli

from relay.daphne import CommandLineInterface
from relay.server import Server


@pytest.fixture
def started(monkeypatch):
    """The servers that were started, which are not run."""
    servers = []
    monkeypatch.setattr(Server, "run", lambda self: servers.append(self))
    monkeypatch.setattr(cli, "Server", cli.Server)
    return servers


def test_the_command_line_runs_our_server(started):
    """daphne.cli has no hook for the class of the server; a new release of it may break this way in."""
    CommandLineInterface().run(["--port", "8001", "project.asgi:channel_layer"])
    assert type(started[0]) is Server
    assert started[0].keepalive_interval == 20


def test_it_takes_daphnes_flags_and_ours(started):
    CommandLineInterface().run(
        [
            "-p",
            "8001",
            "--ping-interval",
            "7",
            "--keepalive-interval",
            "3.5",
            "--access-log",
            "-",
            "project.asgi:channel_layer",
        ]
    )
    assert (started[0].ping_interval, started[0].keepalive_interval) == (7, 3.5)


def test_runserver_is_ours():
    from django.core.management import get_commands, load_command_class

    command = load_command_class(get_commands()["runserver"], "runserver")
    assert command.server_cls is Server
