"""Redis and Sentinel with the settings in deploy/redis."""

import time

import pytest
import redis

from tests.deploy.servers import PASSWORD, bound_to, own_address, start_recipe_sentinel
from tests.deployments import Deployment
from tests.waiting import wait_until


@pytest.fixture
def deploy(tmp_path, sqlite_url, redis_prefix):
    """A function that makes a deployment on SQLite; it is stopped after the test."""
    made = []
    folder = tmp_path / "deployment"
    folder.mkdir()

    def make(redis_url, **settings):
        made.append(Deployment(folder, sqlite_url, redis_url, redis_prefix, **settings))
        return made[-1]

    yield make
    for deployment in made:
        deployment.stop()


def test_a_chat_runs_on_it_by_the_password_and_nobody_else_gets_in(recipe_redis, deploy):
    server = recipe_redis()
    chat = deploy(server.url).start_all(workers=1)
    with chat.socket() as socket:
        socket.send({"message": "hi", "client_id": "1"})
        assert socket.next("ack")["seq"] == 1
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=server.port).get("x")


def test_what_would_empty_or_stop_it_is_for_another_user(recipe_redis):
    """H1"""
    server = recipe_redis()
    client = server.client()
    for command in ("FLUSHALL", "FLUSHDB", "SHUTDOWN", "CONFIG GET maxmemory", "KEYS *", "MONITOR"):
        with pytest.raises(redis.ResponseError, match="no permissions"):
            client.execute_command(*command.split())
    assert "noeviction" in server.admin("CONFIG", "GET", "maxmemory-policy")
    assert client.info()["aof_enabled"] == 1


def test_a_full_one_refuses_instead_of_forgetting(recipe_redis):
    server = recipe_redis()
    client = server.client()
    client.set("early", "x", ex=1000)
    server.admin("CONFIG", "SET", "maxmemory", "1000")
    with pytest.raises(redis.OutOfMemoryError):
        client.set("late", "x", ex=1000)
    assert client.get("early") == b"x"


def test_what_waited_in_it_is_there_after_a_restart(recipe_redis):
    server = recipe_redis()
    server.client().rpush("waiting", "a message")
    server.stop()
    server.start()
    assert server.client().lrange("waiting", 0, -1) == [b"a message"]


def test_a_chat_follows_the_master_that_sentinels_name(recipe_redis, deploy, tmp_path):
    """
    As three machines have it, by their addresses. The master dies; what is said meanwhile is stored, once, and all hear
    it. A server whose file Sentinel had written anew starts from that.
    """
    address = own_address()
    changes = [bound_to(address), "min-replicas-to-write 1"]
    master = recipe_redis(*changes)
    replicas = [recipe_redis(*changes, "replicaof %s %d" % (address, master.port)) for _ in range(2)]
    sentinel = start_recipe_sentinel(tmp_path / "sentinel", address, master.port)
    try:
        asked = redis.Redis(host=address, port=sentinel.port)
        wait_until(lambda: len(asked.execute_command("SENTINEL", "REPLICAS", "parley")) == 2, "all are known", 30)
        where = {"REDIS_SENTINELS": "%s:%d" % (address, sentinel.port)}
        chat = deploy("redis://:%s@any/0" % PASSWORD, **where).start_all(workers=1)
        with chat.socket("/chat/lobby/?since=0") as ann, chat.socket("/chat/lobby/?since=0") as ben:
            ann.send({"message": "before", "client_id": "1"})
            ben.next("message", lambda frame: frame["message"] == "before")
            wait_until(lambda: all(map(in_step, replicas)), "the replicas are in step")
            master.kill()
            began = time.monotonic()
            ann.send({"message": "after", "client_id": "2"})
            assert ann.next("ack", lambda frame: frame["client_id"] == "2", patience=40)["seq"] == 2
            ben.next("message", lambda frame: frame["message"] == "after", patience=40)
            print("Heard %.1f s after the master's death" % (time.monotonic() - began))
        (follower,) = [replica for replica in replicas if replica.client().info()["role"] == "slave"]
        wait_until(lambda: in_step(follower), "the other replica follows the new master")
        assert "CONFIG REWRITE" in (follower.folder / "redis.conf").read_text()
        follower.kill()
        follower.start()
        wait_until(lambda: in_step(follower), "it starts from the file that was written anew")
    finally:
        sentinel.kill()


def in_step(replica):
    info = replica.client().info()
    return info["master_link_status"] == "up" and info["master_sync_in_progress"] == 0
