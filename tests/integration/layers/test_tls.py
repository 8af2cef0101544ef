"""R1: the Redis layer over TLS, to servers whose certificates are good and bad."""

import os
import select
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from relay.exceptions import LayerUnavailable
from relay.layers.redis import Client, RedisSentinelChannelLayer, checks
from relay.layers.redis.client import connect
from tests.certificates import make_certificate
from tests.proxy import Proxy
from tests.services import TlsRedis, watched_servers
from tests.waiting import FACTOR, wait_until


@pytest.fixture
def certificate(tmp_path):
    """For 127.0.0.1 and localhost, and signed by nobody else."""
    return make_certificate(tmp_path)


@pytest.fixture
def serve(tls_program, tmp_path, certificate):
    """A function that starts a server with TLS; by default with the good certificate."""
    servers = []

    def start(*options, certificate=certificate):
        servers.append(TlsRedis(tmp_path, certificate, *options))
        return servers[-1]

    yield start
    for server in servers:
        server.kill()


@pytest.fixture
def trusted(certificate):
    """A function that gives the URL with which the good certificate is believed."""
    return lambda server, **options: "%s?ssl_ca_certs=%s" % (server.tls_url, certificate.chain)


def asked(server):
    """The names of commands that a server was sent, but for those of this question."""
    stats = redis.Redis.from_url(server.url).info("commandstats")
    return {name.removeprefix("cmdstat_") for name in stats} - {"info", "client|setinfo", "ping", "hello"}


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_layer_works_over_tls(serve, trusted, make_redis_layer, version):
    """On several servers: what is sent arrives, also with those who wait for it, and with groups."""
    servers = [serve("--tls-protocols", version) for _ in range(2)]
    layer, other = (make_redis_layer(*map(trusted, servers), lease=1) for _ in range(2))
    for n in range(20):
        layer.send("c", {"n": n})
    found = []
    wait_until(lambda: found.extend(layer.take(["c"], 30, block=True)) or len(found) == 20, "all arrive")
    with ThreadPoolExecutor(1) as elsewhere:
        waiting = elsewhere.submit(lambda: wait_until(lambda: other.take(["late"], block=True), "it arrives"))
        layer.send("late", {"text": "x" * 100_000})
        assert waiting.result()[0].content["text"] == "x" * 100_000
    layer.group_add("g", "web!a")
    layer.send_group("g", {"n": 1})
    assert layer.receive(["web!"], block=True) == ("web!a", {"n": 1})


@pytest.mark.parametrize(
    ("bad", "reason", "options"),
    [
        ({}, "self-signed", ""),
        ({"addresses": (), "host": "other.example"}, "mismatch", "?ssl_ca_certs={chain}"),
        ({"days": -1}, "expired", "?ssl_ca_certs={chain}"),
    ],
)
def test_a_bad_certificate_is_refused_before_the_password_is_said(
    serve, tmp_path, make_redis_layer, bad, reason, options
):
    certificate = make_certificate(tmp_path, **bad)
    server = serve(certificate=certificate)
    url = server.tls_url.replace("://", "://:hush-hush@") + options.format(chain=certificate.chain)
    layer = make_redis_layer(url, patience=0)
    with pytest.raises(LayerUnavailable, match=reason) as caught:
        layer.send("c", {"n": 1})
    assert "ssl_ca_certs" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert asked(server) == set()


def test_the_authorities_of_the_machine_are_believed(serve, certificate, make_redis_layer, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.chain))
    layer = make_redis_layer(serve().tls_url)
    layer.send("c", {"n": 1})
    assert layer.receive(["c"])[1] == {"n": 1}


def test_any_certificate_is_taken_where_the_address_says_so_and_the_check_tells(serve, tmp_path, make_redis_layer):
    """As a provider has it that signs its own."""
    server = serve(certificate=make_certificate(tmp_path, addresses=(), host="other.example", days=-1))
    url = server.tls_url + "?ssl_cert_reqs=none"
    layer = make_redis_layer(url)
    layer.send("c", {"n": 1})
    assert layer.receive(["c"])[1] == {"n": 1}
    (message,) = checks.check_server(url, layer.prefix)
    assert message.id == "relay.W013"
    assert "ssl_cert_reqs=none" in message.msg


def test_a_host_name_that_is_not_looked_at_is_told_too(serve, trusted):
    assert [message.id for message in checks.check_server(trusted(serve()), "asgi:")] == []
    url = trusted(serve()) + "&ssl_check_hostname=0"
    assert [message.id for message in checks.check_server(url, "asgi:")] == ["relay.W013"]


def test_a_server_may_ask_for_a_certificate(serve, trusted, certificate, make_redis_layer):
    server = serve("--tls-auth-clients", "yes")
    with pytest.raises(LayerUnavailable):
        make_redis_layer(trusted(server), patience=0).send("c", {"n": 1})
    own = "&ssl_certfile=%s&ssl_keyfile=%s" % (certificate.chain, certificate.key)
    layer = make_redis_layer(trusted(server) + own)
    layer.send("c", {"n": 1})
    assert layer.receive(["c"])[1] == {"n": 1}


def test_the_server_is_told_by_which_name_it_was_called(certificate):
    """SNI: one address may serve many."""
    names = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.chain, certificate.key)
    context.sni_callback = lambda _, name, __: names.append(name)
    listener = socket.create_server(("127.0.0.1", 0))

    def answer():
        with listener.accept()[0] as connection, context.wrap_socket(connection, server_side=True):
            pass

    server = threading.Thread(target=answer, daemon=True)
    server.start()
    port = listener.getsockname()[1]
    client = Client.to("rediss://localhost:%d/0?ssl_ca_certs=%s" % (port, certificate.chain), {})
    with pytest.raises(redis.ConnectionError):
        client.ping()
    server.join(20)
    listener.close()
    assert names == ["localhost"]


def test_a_session_ticket_that_lies_unread_does_not_make_a_connection_stale(serve, trusted):
    """A server on TLS 1.3 sends some after the handshake, unasked: that is no sign that it has hung up."""
    client = Client.to(trusted(serve("--tls-protocols", "TLSv1.3")), {})
    connection = client.connection_pool.make_connection()
    connect(connection)
    before = connection._sock
    poll = select.poll()
    poll.register(before, select.POLLIN)
    assert poll.poll(20_000 * FACTOR), "the tickets come"
    client.idle.append(connection)
    assert client.ping() is True
    assert client.idle == [connection]
    assert connection._sock is before


def test_a_connection_that_the_server_closed_costs_no_error(serve, trusted, make_redis_layer):
    server = serve()
    layer = make_redis_layer(trusted(server), patience=0)
    layer.send("c", {"n": 1})
    redis.Redis.from_url(server.url).execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert layer.receive(["c"])[1] == {"n": 1}


def test_a_server_that_dies_and_comes_back_is_found_again(serve, trusted, make_redis_layer):
    server = serve()
    layer, other = (make_redis_layer(trusted(server), patience=30 * FACTOR) for _ in range(2))
    with ThreadPoolExecutor(1) as elsewhere:
        waiting = elsewhere.submit(lambda: wait_until(lambda: other.take(["c"], block=True), "it arrives"))
        layer.send("warm-up", {"n": 1})
        server.kill()
        server.start()
        layer.send("c", {"n": 2})
        assert waiting.result()[0].content == {"n": 2}


@pytest.mark.parametrize("is_tls", [False, True])
def test_half_an_answer_does_not_hold_up_who_waits(serve, trusted, make_redis_layer, is_tls):
    """With TLS a socket may have something to read though there is nothing for us in it."""
    server = serve()
    direct = make_redis_layer(server.url)
    with Proxy(server.tls_port if is_tls else server.port) as proxy:
        url, port = (trusted(server), server.tls_port) if is_tls else (server.url, server.port)
        layer = make_redis_layer(
            url.replace(":%d/" % port, ":%d/" % proxy.port), connection_kwargs={"socket_timeout": 300}, patience=0
        )
        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(layer.take, ["c"]).result()
            for heart in layer.hearts:
                heart.stop()  # It is not to be a beat whose answer is halved.
            waiting = elsewhere.submit(layer.take, ["c"], 1, True)
            client = redis.Redis.from_url(server.url)
            wait_until(lambda: client.info("clients")["blocked_clients"], "it waits")
            proxy.halve_next()
            direct.send("c", {"n": 1})
            wait_until(lambda: proxy.halved, "half an answer has come")
            layer.stop_waiting()
            assert waiting.result(20 * FACTOR) == []


def test_a_forked_child_leaves_its_parents_connections_alone(serve, trusted, make_redis_layer):
    """A21: to say goodbye in TLS would end them."""
    layer = make_redis_layer(trusted(serve()))
    layer.send("c", {"n": 1})
    client = layer.connection(0)
    before = {connection._sock for connection in client.idle}
    pid = os.fork()
    if pid == 0:
        layer.send("c", {"n": 2})
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    wait_until(lambda: layer.receive(["c"], block=True)[1] == {"n": 2}, "the child's message comes")
    wait_until(lambda: before <= {connection._sock for connection in client.idle}, "the connections are kept")
    assert layer.shards[0].failures == 0


@pytest.fixture
def sentinel_servers(tls_program, tmp_path, certificate):
    """A master, its replica and a Sentinel, which speak TLS with everybody."""

    def kind(folder, *options, **more):
        return TlsRedis(folder, certificate, *options, **more)

    with watched_servers(tmp_path, 1, kind=kind) as servers:
        yield servers


@pytest.fixture
def make_sentinel_layer(sentinel_servers, redis_prefix):
    made = []

    def make(url, **options):
        found = {"hosts": [("127.0.0.1", sentinel_servers[2].tls_port)], "services": ["chat"], "url": url}
        made.append(RedisSentinelChannelLayer(prefix=redis_prefix, lease=1, **{**found, **options}))
        return made[-1]

    yield make
    for layer in made:
        layer.patience = 0
        layer.close()


def test_sentinels_and_masters_speak_tls_and_a_failover_costs_nothing(
    sentinel_servers, make_sentinel_layer, certificate
):
    master, replica, _ = sentinel_servers
    layer = make_sentinel_layer("rediss://any/0?ssl_ca_certs=%s" % certificate.chain, patience=20 * FACTOR)
    layer.send("c", {"n": 1})
    clients = redis.Redis.from_url(master.url).client_list()
    assert {client["laddr"].rpartition(":")[2] for client in clients if client["cmd"].startswith("eval")} == {
        str(master.tls_port)
    }
    client = redis.Redis.from_url(replica.url)
    wait_until(lambda: client.exists(layer.keys.ready("c")), "the replica has it")
    wait_until(lambda: client.info("replication")["master_sync_in_progress"] == 0, "the replica is in step")
    master.kill()
    layer.send("c", {"n": 2})
    found = []
    wait_until(lambda: found.extend(layer.take(["c"], 5, block=True)) or len(found) == 2, "both arrive", 30)
    assert sorted(delivery.content["n"] for delivery in found) == [1, 2]


def test_a_sentinel_whose_certificate_is_bad_is_not_believed(sentinel_servers, make_sentinel_layer):
    layer = make_sentinel_layer("rediss://any/0", patience=0)
    with pytest.raises(LayerUnavailable, match=r"No Sentinel names a master for 'chat'.*self-signed"):
        layer.send("c", {"n": 1})
    about = {"hosts": [("127.0.0.1", sentinel_servers[2].tls_port)]}
    about["url"] = "rediss://any/0?ssl_cert_reqs=none"
    assert [message.id for message in checks.check_master(about, "chat", "asgi:")] == ["relay.W013"]


def test_sentinels_may_have_another_certificate_than_masters(sentinel_servers, make_sentinel_layer, certificate):
    """What is said of Sentinels is added to what is said of masters: they are still asked over TLS."""
    url = "rediss://any/0?ssl_ca_certs=%s" % certificate.chain
    about = {"connection_kwargs": {"sentinel_kwargs": {"ssl_cert_reqs": "none"}}}
    layer = make_sentinel_layer(url, **about)
    layer.send("c", {"n": 1})
    assert layer.receive(["c"])[1] == {"n": 1}
    about.update(hosts=[("127.0.0.1", sentinel_servers[2].tls_port)], url=url)
    assert [message.id for message in checks.check_master(about, "chat", layer.prefix)] == ["relay.W013"]


def test_sentinels_may_be_asked_in_the_clear(sentinel_servers, make_sentinel_layer, certificate):
    """And the master they name speaks TLS."""
    hosts = [("127.0.0.1", sentinel_servers[2].port)]
    url = "rediss://any/0?ssl_ca_certs=%s" % certificate.chain
    layer = make_sentinel_layer(url, hosts=hosts, connection_kwargs={"sentinel_kwargs": {"ssl": False}})
    layer.send("c", {"n": 1})
    assert layer.receive(["c"])[1] == {"n": 1}
