"""`manage.py channels` and `manage.py deadletters`, as processes of their own."""

import json
import os
import subprocess
import sys
import time

import pytest

from relay.management.layers import address
from tests.databases import ROOT
from tests.waiting import wait_until


@pytest.fixture
def manage(redis_url, redis_prefix):
    """A function that runs a management command on this test's layer: returns its exit code and what it says."""
    environment = {**os.environ, "REDIS_URL": redis_url, "CHANNEL_PREFIX": redis_prefix, "COLUMNS": "120"}

    def run(*arguments):
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    run.environment = environment
    return run


@pytest.fixture
def layer(make_redis_layer, redis_url):
    return make_redis_layer(redis_url, ordering={"work": "room"}, capacity=3)


def test_channels_shows_what_waits_and_what_went_wrong(manage, layer):
    for room in "abc":
        layer.send("work", {"room": room})
    with pytest.raises(layer.ChannelFull):
        layer.send("work", {"room": "a"})
    layer.take(["work"])
    layer.dead_letter(layer.take(["work"])[0], "no")
    code, said = manage("channels")
    assert code == 0
    header, work, *_ = said.splitlines()
    assert header.split() == [
        "channel",
        "waiting",
        "oldest,",
        "s",
        "in",
        "flight",
        "sent",
        "refused",
        "expired",
        "dead",
    ]
    name, waiting, age, *counts = work.split()
    assert (name, waiting, counts) == ("work", "1", ["1", "3", "1", "0", "1"])
    assert float(age) > 0
    code, said = manage("channels", "--json")
    (row,) = json.loads(said)["channels"]
    assert (row["channel"], row["depth"], row["in_flight"], row["full"]) == ("work", 1, 1, 1)


def test_channels_says_so_when_there_are_none_and_where_it_looked(manage):
    """D3."""
    said = manage("channels")[1]
    assert "No channel has been used yet." in said
    assert "On %s:" % manage.environment["REDIS_URL"] in said


@pytest.mark.parametrize("user", ["", ":secret@", "ann:secret@"])
def test_the_address_of_a_layer_has_no_password(user):
    """D3."""
    assert address("redis://%s10.0.0.1:6379/2?password=secret" % user) == "redis://10.0.0.1:6379/2"


def test_channels_can_be_watched(manage, layer):
    layer.send("work", {"room": "a"})
    command = [sys.executable, "manage.py", "channels", "--watch", "--every", "0.1", "--json"]
    watch = subprocess.Popen(command, cwd=ROOT, env=manage.environment, stdout=subprocess.PIPE, text=True)
    try:
        assert json.loads(watch.stdout.readline())["channels"][0]["depth"] == 1
        layer.send("work", {"room": "b"})
        wait_until(lambda: json.loads(watch.stdout.readline())["channels"][0]["depth"] == 2, "the change is shown")
    finally:
        watch.kill()
        watch.wait()


def test_dead_letters_are_listed_shown_sent_again_and_forgotten(manage, layer):
    for n in range(3):
        layer.send("work", {"room": "a", "n": n, "bytes": b"\xff"})
    for _ in range(3):
        layer.dead_letter(layer.take(["work"])[0], "Traceback (most recent call last):\nZeroDivisionError: by zero")
    code, said = manage("deadletters", "list")
    first, second, third = (line.split()[0] for line in said.splitlines())
    assert code == 0
    assert said.count("ZeroDivisionError: by zero") == 3
    code, said = manage("deadletters", "show", first)
    assert code == 0
    assert "Traceback (most recent call last):" in said
    assert '"n": 0' in said
    assert json.loads(manage("deadletters", "show", first, "--json")[1])["content"]["bytes"] == "\\xff"
    assert manage("deadletters", "retry", first) == (0, "1 dead letter was sent again.\n")
    assert layer.take(["work"])[0].content["n"] == 0
    assert manage("deadletters", "discard", second, "--json") == (0, '{"forgotten": 1}\n')
    assert [letter["id"] for letter in json.loads(manage("deadletters", "list", "--json")[1])] == [third]
    assert manage("deadletters", "discard", "--all", "--channel", "other")[1] == "0 dead letters were forgotten.\n"
    assert manage("deadletters", "discard", "--all")[1] == "1 dead letter was forgotten.\n"
    code, said = manage("deadletters", "list")
    assert (code, said) == (0, "There are no dead letters on %s.\n" % manage.environment["REDIS_URL"])


def test_what_can_not_be_done_is_said_with_an_exit_code(manage, tmp_path):
    code, said = manage("deadletters", "show", "nonesuch")
    assert (code, said) == (1, "CommandError: There is no dead letter nonesuch.\n")
    code, said = manage("deadletters", "retry")
    assert (code, "or say --all" in said) == (1, True)
    code, said = manage("channels", "--layer", "nonesuch")
    assert (code, said) == (1, "CommandError: CHANNEL_LAYERS has no layer 'nonesuch'.\n")
    manage.environment |= {"REDIS_URL": "", "DATABASE_URL": "sqlite:///%s/new.sqlite3" % tmp_path}
    code, said = manage("channels")
    assert (code, "run manage.py migrate" in said) == (1, True)


def test_a_redis_that_is_away_is_said_in_a_sentence(manage, own_redis):
    manage.environment["REDIS_URL"] = own_redis.url
    own_redis.kill()
    started = time.monotonic()
    code, said = manage("channels")
    assert (code, "can't be reached" in said, "Traceback" in said) == (1, True, False)
    assert time.monotonic() - started < 30
    own_redis.start()
