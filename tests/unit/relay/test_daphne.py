import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class

from relay.daphne import CommandLineInterface
from relay.server import Server


@pytest.fixture
def started(monkeypatch):
    """The servers that were started, which are not run."""
    servers = []
    monkeypatch.setattr(Server, "run", lambda self: servers.append(self))
    return servers


def start(started, *arguments):
    CommandLineInterface().run([*arguments, "project.asgi:channel_layer"])
    return started[-1]


def test_the_command_line_runs_our_server(started):
    server = start(started)
    assert type(server) is Server
    assert server.endpoints == ["tcp:port=8000:interface=127.0.0.1"]
    assert server.keepalive_interval == 20
    assert server.websocket_connect_timeout == 20, "D8"
    assert server.proxies is None


def test_it_takes_every_flag_of_daphne(started, tmp_path):
    server = start(
        started,
        *("-b", "0.0.0.0", "-p", "8001", "-u", str(tmp_path / "s"), "--fd", "5", "-e", "tcp:9", "-v", "3", "-t", "7"),
        *("--websocket_timeout", "8", "--websocket_connect_timeout", "9", "--ping-interval", "10"),
        *("--ping-timeout", "11", "--root-path", "/r", "--proxy-headers", "--force-sync"),
        *("--access-log", str(tmp_path / "access.log"), "--ws-protocol", "a", "b", "--"),
    )
    endpoints = ["fd:fileno=5", "tcp:9", "tcp:port=8001:interface=0.0.0.0", "unix:%s" % (tmp_path / "s")]
    assert server.endpoints == endpoints
    assert (server.http_timeout, server.websocket_timeout, server.websocket_connect_timeout) == (7, 8, 9)
    assert (server.ping_interval, server.ping_timeout, server.root_path) == (10, 11, "/r")
    assert server.ws_protocols == ["a", "b"]
    assert server.proxies is not None
    assert (tmp_path / "access.log").exists()


def test_it_takes_its_own_flags(started):
    server = start(
        started,
        *("--keepalive-interval", "3.5", "--reuse-port"),
        *("--proxy-headers", "--forwarded-allow-ips", "10.0.0.1, 10.1.0.0/16"),
    )
    assert (server.keepalive_interval, server.reuse_port) == (3.5, True)
    assert server.proxies.trusts("10.1.2.3")
    assert not server.proxies.trusts("127.0.0.1")


@pytest.mark.parametrize("name", ["project.asgi", "project.asgi:no_layer", "no_project:layer", "project.asgi:"])
def test_a_layer_that_is_none_is_named(started, name, capsys):
    with pytest.raises(SystemExit) as ended:
        CommandLineInterface().run([name])
    assert ended.value.code == 2
    assert "the channel layer %r can't be loaded" % name in capsys.readouterr().err
    assert started == []


def test_runserver_is_ours():
    command = load_command_class(get_commands()["runserver"], "runserver")
    assert command.server_cls is Server


@pytest.mark.parametrize(
    ("arguments", "endpoint"),
    [
        ([], "tcp:port=9000:interface=127.0.0.1"),
        (["9001"], "tcp:port=9001:interface=127.0.0.1"),
        (["0.0.0.0:9002"], "tcp:port=9002:interface=0.0.0.0"),
        (["[::1]:9003"], r"tcp:port=9003:interface=\:\:1"),
    ],
)
def test_runwsserver_listens_on_port_9000_unless_told_otherwise(started, layer, monkeypatch, arguments, endpoint):
    monkeypatch.setattr(type(layer), "local_only", lambda self: False)
    call_command("runwsserver", *arguments, "--keepalive-interval", "6", verbosity=0)
    assert started[0].endpoints == [endpoint]
    assert started[0].keepalive_interval == 6


@pytest.mark.parametrize("address", ["no port", "1:2:3", "70000", "host:", ""])
def test_runwsserver_refuses_what_is_no_address(started, layer, address):
    with pytest.raises(CommandError, match="neither a port nor"):
        call_command("runwsserver", address)


def test_runwsserver_refuses_a_layer_that_no_worker_could_reach(started, layer):
    with pytest.raises(CommandError, match="CHANNEL_LAYERS"):
        call_command("runwsserver")
    assert started == []
