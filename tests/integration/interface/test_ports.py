"""Where an interface server listens: shared ports, TLS, Unix sockets, and ports that are taken."""

import shutil
import socket as sockets
import ssl
import subprocess
import sys

import pytest
from websockets.sync.client import connect, unix_connect

from relay.layers.inmemory import ChannelLayer
from tests.databases import ROOT
from tests.interface import PATIENCE, handshake, masked, read_until
from tests.waiting import wait_until


def talk(server, socket):
    """A frame to a worker, and two from it: one alone, and one that is too large for the kernel's buffers."""
    socket.send("hello")
    received = server.app.wait_for("websocket.receive")[-1]
    server.layer.send_many([(received["reply_channel"], {"text": text}) for text in ("hi", "x" * 800_000, "bye")])
    assert [len(socket.recv(timeout=PATIENCE)) for _ in range(3)] == [2, 800_000, 3]


@pytest.fixture
def certificate(tmp_path):
    if not shutil.which("openssl"):
        pytest.skip("there is no openssl to make a certificate with")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*command, "-keyout", key, "-out", cert], check=True, capture_output=True)
    return key, cert


def trusting(cert):
    """What a client needs that trusts this certificate."""
    context = ssl.create_default_context(cafile=str(cert))
    context.check_hostname = False
    return context


def test_tls_endpoints_work_and_nothing_is_written_around_them(serve, certificate):
    """The fast way writes to the socket itself; under TLS that would be in the clear."""
    key, cert = certificate
    server = serve(endpoint="ssl:0:interface=127.0.0.1:privateKey=%s:certKey=%s" % (key, cert))
    trust = trusting(cert)
    with connect("wss://127.0.0.1:%d/" % server.port, ssl=trust, max_size=None, open_timeout=PATIENCE) as socket:
        talk(server, socket)
    assert server.app.messages("websocket.connect")[0]["scheme"] == "wss"
    assert server.app.wait_for("websocket.disconnect")[0]["code"] == 1000


def test_a_slow_reader_behind_tls_is_closed_as_well(serve, certificate, settings_override):
    settings_override(RELAY_MAX_UNSENT_BYTES=100_000)
    key, cert = certificate
    server = serve(ChannelLayer(capacity=10_000), "ssl:0:interface=127.0.0.1:privateKey=%s:certKey=%s" % (key, cert))
    trust = trusting(cert)
    with sockets.create_connection(("127.0.0.1", server.port)) as raw, trust.wrap_socket(raw) as connection:
        connection.sendall(handshake())
        read_until(connection, b"\r\n\r\n")
        channel = server.app.wait_for("websocket.connect")[0]["reply_channel"]
        for _ in range(200):
            server.layer.send(channel, {"text": "x" * 50_000})
        wait_until(lambda: server.server.factory.slow_readers, "it is closed")


def test_who_is_refused_behind_tls_and_does_not_hang_up_is_cut_off(serve, certificate, monkeypatch):
    monkeypatch.setattr("relay.http_factory.CLOSING_TIME", 0.2)
    key, cert = certificate
    server = serve(endpoint="ssl:0:interface=127.0.0.1:privateKey=%s:certKey=%s" % (key, cert))
    trust = trusting(cert)
    with sockets.create_connection(("127.0.0.1", server.port)) as raw, trust.wrap_socket(raw) as connection:
        connection.sendall(handshake(b"Origin: https://evil.example"))
        assert read_until(connection, b"\r\n\r\n").startswith(b"HTTP/1.1 403")
        wait_until(lambda: server.server.factory.ws_factory.countConnections == 0, "it is forgotten")


def test_who_breaks_a_rule_behind_tls_hears_which_and_the_end(serve, certificate):
    key, cert = certificate
    server = serve(endpoint="ssl:0:interface=127.0.0.1:privateKey=%s:certKey=%s" % (key, cert))
    trust = trusting(cert)
    with sockets.create_connection(("127.0.0.1", server.port)) as raw, trust.wrap_socket(raw) as connection:
        connection.sendall(handshake())
        read_until(connection, b"\r\n\r\n")
        connection.sendall(masked(b"x", opcode=3))
        answer = read_until(connection, b"it ends before that")
    assert (answer[0], int.from_bytes(answer[2:4], "big")) == (0x88, 1002)
    server.app.wait_for("websocket.disconnect")


def test_unix_sockets_work(serve, tmp_path):
    path = tmp_path / "web.sock"
    server = serve(endpoint="unix:%s" % path)
    with unix_connect(str(path), uri="ws://localhost/", max_size=None, open_timeout=PATIENCE) as socket:
        talk(server, socket)
    assert server.app.messages("websocket.connect")[0]["client"] is None


def test_a_socket_that_was_inherited_works(serve):
    listening = sockets.create_server(("127.0.0.1", 0))
    server = serve(endpoint="fd:fileno=%d" % listening.detach())
    with server.socket() as socket:
        talk(server, socket)


def test_several_servers_share_a_port_and_its_connections(serve):
    layer = ChannelLayer()
    first = serve(layer, reuse_port=True)
    second = serve(layer, "tcp:%d:interface=127.0.0.1" % first.port, reuse_port=True)
    kept = [first.raw(handshake()) for _ in range(40)]
    first.app.stopped.set()
    for connection in kept:
        read_until(connection, b"\r\n\r\n")
    counts = [len(server.protocols()) for server in (first, second)]
    for connection in kept:
        connection.close()
    assert sum(counts) == 40
    assert min(counts) > 3


def test_who_leaves_a_shared_port_leaves_it_to_the_other(serve):
    layer = ChannelLayer()
    first = serve(layer, reuse_port=True)
    second = serve(layer, "tcp:%d:interface=127.0.0.1" % first.port, reuse_port=True)
    second.stop()
    for _ in range(20):
        with first.raw(handshake()) as connection:
            assert b"101" in read_until(connection, b"\r\n\r\n")


def test_a_storm_of_connections_finds_room_in_the_queue(serve):
    server = serve()
    assert server.server.ports[0].backlog >= 1024


PROGRAM = "import project, django; django.setup(); from relay.daphne import CommandLineInterface as C; C().run(%r)"


def test_a_port_that_is_taken_ends_the_process_with_an_error(serve):
    """D21: Daphne stays, and listens nowhere."""
    server = serve()
    arguments = ["--port", str(server.port), "project.asgi:channel_layer"]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM % arguments], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 3, done.stderr
    assert "Can't listen on tcp:port=%d" % server.port in done.stderr
    with server.raw(handshake()) as connection:
        connection.sendall(masked(b"still here"))
        read_until(connection, b"\r\n\r\n")
