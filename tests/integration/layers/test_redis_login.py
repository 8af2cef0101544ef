"""R2: whom the Redis layer logs in as."""

import pytest
import redis

from relay.exceptions import LayerUnavailable
from relay.layers.redis import Client, RedisSentinelChannelLayer, checks
from relay.layers.redis.client import connect

PASSWORD, ENCODED = "p@ss/w#1", "p%40ss%2Fw%231"
#: What docs/layer.md says that a user of the layer's own needs.
RULES = ["resetchannels", "+@all", "-@admin", "-@dangerous", "+info", "+client|unblock"]


@pytest.fixture
def admin(own_redis):
    return redis.Redis.from_url(own_redis.url)


def login(server, name, password=ENCODED):
    """The URL of a server with this login."""
    return server.url.replace("://", "://%s:%s@" % (name, password))


def test_a_user_with_few_rights_has_all_that_a_layer_needs(own_redis, admin, make_redis_layer, redis_prefix):
    """R2: and nobody else may do anything."""
    admin.execute_command("ACL", "SETUSER", "parley", "on", ">" + PASSWORD, "~%s*" % redis_prefix, *RULES)
    admin.execute_command("ACL", "SETUSER", "admin", "on", ">x", "~*", "&*", "+@all")
    admin.execute_command("ACL", "SETUSER", "default", "off")
    # Two names of one server: while one is listened to, the other is told to stop.
    layer = make_redis_layer(login(own_redis, "parley"), login(own_redis, "parley"), lease=1)
    layer.send("c", {"n": 1})
    delivery, *_ = layer.take(["c"], block=True)
    layer.renew([delivery])
    layer.dead_letter(delivery, "for no reason")
    assert {letter.reason for letter in layer.dead_letters()} == {"for no reason"}
    layer.group_add("g", "web!a")
    layer.send_group("g", {"n": 2})
    assert layer.receive(["web!"], block=True) == ("web!a", {"n": 2})
    assert layer.receive(["web!"], block=True) == (None, None)
    assert layer.status()
    layer.flush()
    layer.close()
    assert checks.check_server(login(own_redis, "parley"), layer.prefix) == []
    client = redis.Redis.from_url(login(own_redis, "admin", "x"))
    refused = [entry["object"] for entry in client.acl_log() if entry["reason"] == "command"]
    assert refused == []


def test_a_name_that_the_server_does_not_know_is_left_out(own_redis, admin, make_redis_layer, caplog):
    """As in redis://h:password@host, which a provider writes, and redis-py before 3 took."""
    admin.config_set("requirepass", PASSWORD)
    layer = make_redis_layer(login(own_redis, "h"))
    for n in range(3):
        layer.send("c", {"n": n})
    assert layer.receive(["c"])[1] == {"n": 0}
    told = [record.getMessage() for record in caplog.records if "does not know the user 'h'" in record.getMessage()]
    assert 1 <= len(told) <= 2, "by the client and that of the heartbeats, and not for each connection"
    assert PASSWORD not in caplog.text
    assert [message.id for message in checks.check_server(login(own_redis, "h"), layer.prefix)] == []


def test_a_name_is_left_out_by_all_connections_that_log_in_at_once(own_redis, admin):
    admin.config_set("requirepass", PASSWORD)
    client = Client.to(login(own_redis, "h"), {})
    early, late = (client.connection_pool.make_connection() for _ in range(2))
    log_in = late.on_connect

    def log_in_late():
        late.on_connect = log_in
        connect(early)  # It finds that the name is not known.
        log_in()

    late.on_connect = log_in_late
    connect(late)
    assert early.is_connected
    assert late.is_connected


def test_a_name_alone_is_left_out_too(own_redis, make_redis_layer):
    layer = make_redis_layer(own_redis.url.replace("://", "://someone@"))
    layer.send("c", {"n": 1})
    assert layer.receive(["c"])[1] == {"n": 1}


@pytest.mark.parametrize("name", ["", "parley", "stranger"])
def test_a_wrong_password_is_refused_and_not_told(own_redis, admin, make_redis_layer, caplog, name):
    admin.execute_command("ACL", "SETUSER", "parley", "on", ">another", "~*", "&*", "+@all")
    admin.config_set("requirepass", "one more")
    layer = make_redis_layer(login(own_redis, name), patience=0)
    for _ in range(3):
        with pytest.raises(LayerUnavailable, match="invalid username-password pair") as caught:
            layer.send("c", {"n": 1})
        for text in (str(caught.value), caplog.text):
            assert PASSWORD not in text
            assert ENCODED not in text


def test_a_user_who_comes_to_be_is_logged_in_from_then_on(own_redis, admin, make_redis_layer):
    """Until then neither he nor the default user is let in."""
    admin.config_set("requirepass", "one more")
    layer = make_redis_layer(login(own_redis, "parley"), patience=0)
    with pytest.raises(LayerUnavailable):
        layer.send("c", {"n": 1})
    admin.execute_command("ACL", "SETUSER", "parley", "on", ">" + PASSWORD, "~*", "&*", "+@all")
    layer.patience = 10
    layer.send("c", {"n": 1})
    assert {client["user"] for client in admin.client_list() if client["cmd"].startswith("eval")} == {"parley"}


def test_a_user_behind_sentinels_is_logged_in(sentinel_servers, redis_prefix):
    master, _, sentinel = sentinel_servers
    admin = redis.Redis.from_url(master.url)
    admin.execute_command("ACL", "SETUSER", "parley", "on", ">" + PASSWORD, "~*", "&*", "+@all")
    layer = RedisSentinelChannelLayer(
        hosts=[("127.0.0.1", sentinel.port)],
        services=["chat"],
        prefix=redis_prefix,
        url="redis://parley:%s@any/2" % ENCODED,
    )
    layer.send("c", {"n": 1})
    clients = [client for client in admin.client_list() if client["cmd"].startswith("eval")]
    assert {(client["user"], client["db"]) for client in clients} == {("parley", "2")}
    layer.close()
