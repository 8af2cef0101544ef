"""The worker as it is deployed: killed, stopped, without its database, and as a command."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from websockets.exceptions import ConnectionClosed

from chatapp.models import ChatMessage
from tests.databases import ROOT, migrate, settings_of, use
from tests.deployments import procfile
from tests.talkers import Talker, check_what_is_stored
from tests.waiting import FACTOR, wait_until

#: Seconds for which workers are killed, and for which PostgreSQL is away; the issue that asked for it says 60 and 15.
KILL_SECONDS = float(os.environ.get("TESTS_KILL_SECONDS", "8"))
OUTAGE = float(os.environ.get("TESTS_OUTAGE", "5"))

pytestmark = pytest.mark.timeout((200 + 2 * KILL_SECONDS + OUTAGE) * FACTOR)


class Listener(threading.Thread):
    """A socket that writes down the numbers that it hears."""

    def __init__(self, chat, room):
        super().__init__(daemon=True)
        self.connection = chat.socket("/chat/%s/" % room)
        self.connection.next("welcome")
        self.heard = []
        self.start()

    def run(self):
        with contextlib.suppress(ConnectionClosed):
            for text in self.connection.connection:
                frame = json.loads(text)
                if frame["type"] == "message":
                    self.heard.append(frame["seq"])


@pytest.mark.parametrize("layer_kind", ["redis", "database"], indirect=True)
@pytest.mark.usefixtures("database")
def test_workers_killed_every_second_lose_and_double_nothing(deployment):
    """J4: what was acknowledged is stored once, rooms have no holes, and all sockets hear the same order."""
    chat = deployment().start_all(workers=4)
    talkers = [Talker(chat, room, "%s%d" % (room, n)) for room in "ab" for n in range(4)]
    listeners = [Listener(chat, "a") for _ in range(2)]
    wait_until(lambda: all(len(talker.acknowledged) > 3 for talker in talkers), "all talk", 60)
    kills, end = 0, time.monotonic() + KILL_SECONDS
    while time.monotonic() < end:
        victim = random.randrange(4)
        chat.workers[victim].kill()
        chat.processes.remove(chat.workers[victim])
        chat.workers[victim] = chat.start(procfile()["worker"])
        kills += 1
        time.sleep(1)  # So often they are killed: this is the trouble, not a wait for something.
    before = {talker: len(talker.acknowledged) for talker in talkers}
    wait_until(lambda: all(len(t.acknowledged) > n + 3 for t, n in before.items()), "all talk again", 60)
    for talker in talkers:
        talker.stopped.set()
        talker.join(30)
    newest = max(seq for talker in talkers if talker.room == "a" for seq in talker.acknowledged.values())
    wait_until(lambda: all(newest in listener.heard for listener in listeners), "all is heard")
    print("%d kills; %d messages acknowledged" % (kills, sum(len(talker.acknowledged) for talker in talkers)))
    check_what_is_stored(talkers)
    for listener in listeners:
        # What is broadcast twice is heard twice, and left out by clients.
        firsts = list(dict.fromkeys(listener.heard))
        assert firsts == list(range(firsts[0], firsts[0] + len(firsts)))


def stop(process):
    """A fast shutdown, as `pg_ctl stop` does it: connections are cut."""
    process.send_signal(signal.SIGINT)


def kill(process):
    """As the machine's end does it: nothing is written any more, and it has to recover."""
    for one in [process, *process.children(recursive=True)]:
        one.kill()


@pytest.mark.parametrize(("layer_kind", "end"), [("redis", stop), ("database", kill)], indirect=["layer_kind"])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("database")
def test_postgresql_away_under_load_loses_nothing_and_ends_no_process(deployment, own_postgres, end):
    url, server = own_postgres
    migrate(url)
    chat = deployment(DATABASE_URL=url).start_all()
    talkers = [Talker(chat, room, "%s%d" % (room, n)) for room in "ab" for n in range(3)]
    with chat.socket("/chat/c/") as patient:
        patient.next("welcome")
        wait_until(lambda: all(len(talker.acknowledged) > 5 for talker in talkers), "all talk", 60)
        postmaster = server.get_postmaster_info().process
        end(postmaster)
        postmaster.wait(20)
        patient.send({"message": "said once, while it is away", "client_id": "patient"})
        time.sleep(OUTAGE)  # So long it is away: this is the trouble, not a wait for something.
        server.ensure_postgres_running()
        back = time.monotonic()
        assert patient.next("ack", patience=30)["client_id"] == "patient"
        print("The first acknowledgement came %.1f s after PostgreSQL" % (time.monotonic() - back))
    before = {talker: len(talker.acknowledged) for talker in talkers}
    wait_until(lambda: all(len(t.acknowledged) > n + 5 for t, n in before.items()), "all talk again", 60)
    for talker in talkers:
        talker.stopped.set()
        talker.join(30)
    assert all(process.poll() is None for process in chat.processes), chat.logs()
    assert "There are no dead letters" in chat.manage("deadletters", "list")
    chat.stop()
    use(settings_of(url))
    check_what_is_stored(talkers)
    assert ChatMessage.objects.filter(client_id="patient").count() == 1


@pytest.fixture
def chat(deployment, database):
    """A chat whose layer is there, with no process yet."""
    return deployment()


def say_to_the_server(chat, text):
    """Put a message on chat-messages from outside."""
    program = 'from channels import Channel; Channel("chat-messages").send({"room": "lobby", "message": "%s"})' % text
    chat.manage("shell", "-c", program)


sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@sqlite_only
def test_a_worker_starts_anew_in_its_process_after_so_many_messages(chat):
    """B23: whoever runs it sees one process that goes on."""
    worker = chat.start("python manage.py runworker --max-messages 2")
    for n in range(5):
        say_to_the_server(chat, str(n))
    wait_until(lambda: ChatMessage.objects.count() == 5, "all are stored", 60)
    wait_until(lambda: chat.logs().count(" listens on ") >= 2, "it started anew", 60)
    assert worker.poll() is None
    assert "the worker starts anew" in chat.logs()


@sqlite_only
def test_a_worker_logs_what_a_machine_can_read(chat):
    worker = chat.start("python manage.py runworker --json-logs")
    wait_until(lambda: "listens on" in chat.logs(), "it runs")
    worker.send_signal(signal.SIGINT)
    assert worker.wait(20) == 0
    lines = [json.loads(line) for line in chat.logs().splitlines()]
    assert {"time", "level", "logger", "message"} <= lines[0].keys()
    assert lines[-1]["handled"] == {}
    assert "listens on" in lines[0]["message"]


@sqlite_only
def test_who_looks_sees_which_workers_live(chat):
    """`manage.py channels`, and `/readyz`."""
    chat.start_all()
    name = "%s-%d-" % (socket.gethostname(), chat.workers[0].pid)
    wait_until(lambda: name in chat.manage("channels", "--json"), "it is listed")
    found = json.loads(chat.manage("channels", "--json"))
    (worker,) = [each for each in found["workers"] if each["name"].startswith(name)]
    assert "chat-messages" in worker["channels"]
    assert worker["since"] <= time.time()
    assert name in chat.manage("channels")
    status, body = chat.get("/readyz")
    assert status == 200
    assert sorted(each["pid"] for each in json.loads(body)["workers"]) == sorted(each.pid for each in chat.workers)


@sqlite_only
def test_a_channel_that_no_worker_listens_on_is_named(chat):
    chat.web = chat.start(procfile()["web"])
    chat.workers = [chat.start("python manage.py runworker --only-channels http.request")]
    wait_until(lambda: "listens on http.request" in chat.logs(), "it runs")

    def asked():
        try:
            return chat.get("/readyz")
        except OSError:
            return None

    status, body = wait_until(lambda: (asked() or (0, ""))[0] == 503 and asked(), "it answers", 40)
    assert status == 503
    assert "chat-messages" in json.loads(body)["unheard"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--threads", "0"], "--threads must be 1 or more"),
        (["--only-channels", "nothing"], "leave no channel to listen on"),
        (["--layer", "other"], "CHANNEL_LAYERS has no layer 'other'"),
    ],
)
def test_a_worker_that_cannot_run_says_why(options, words, redis_url):
    environment = {**os.environ, "REDIS_URL": redis_url}
    command = [sys.executable, "manage.py", "runworker", *options]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert words in done.stderr
