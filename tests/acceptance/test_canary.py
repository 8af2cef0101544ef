"""The canaries of two interface servers, and the soak, with real processes."""

import json
import re
import subprocess
import sys
import threading
import time

import pytest
from websockets.exceptions import ConnectionClosed

from chatapp.canary.conversation import Conversation
from chatapp.identity import canary_token
from tests.databases import ROOT
from tests.deployments import procfile
from tests.ports import free_port
from tests.waiting import FACTOR, wait_until

pytestmark = pytest.mark.timeout(240 * FACTOR)


class Listener(threading.Thread):
    """Hears what all canaries say, and whether anything is wrong with it."""

    def __init__(self, chat):
        super().__init__(daemon=True)
        self.chat, self.conversation, self.stopped, self.heard = chat, Conversation(), threading.Event(), {}
        self.start()

    def run(self):
        while not self.stopped.is_set():
            query = "?canary=%s&%s" % (canary_token("test"), self.conversation.query())
            try:
                with self.chat.socket("/chat/canary/" + query) as socket:
                    self.conversation.opened()
                    self.listen(socket.connection)
            except (OSError, ConnectionClosed):
                time.sleep(0.1)

    def listen(self, connection):
        while not self.stopped.is_set():
            try:
                answers, fresh = self.conversation.hear(json.loads(connection.recv(timeout=0.2)), time.monotonic())
            except TimeoutError:
                answers, fresh = [], []
            for message in fresh:
                self.heard.setdefault(message["sender"], []).append(message["seq"])
            for answer in [*answers, *self.conversation.due(time.monotonic())]:
                connection.send(json.dumps(answer))

    def wait_for_more(self, senders):
        """Until each of so many canaries has said something more, or others in their place."""
        before = {sender: len(numbers) for sender, numbers in list(self.heard.items())}

        def talking():
            return [sender for sender, numbers in list(self.heard.items()) if len(numbers) > before.get(sender, 0) + 3]

        wait_until(lambda: len(talking()) >= senders, "%d canaries talk" % senders, 60)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.usefixtures("database")
def test_canaries_hear_each_other_whatever_is_killed(deployment):
    chat = deployment(CHAT_CANARY_INTERVAL=0.2, CHAT_ALLOW_GUESTS=0, RELAY_KEEPALIVE_INTERVAL=2).start_all()
    other = chat.start(procfile()["web"].replace("$PORT", str(free_port())))
    listener = Listener(chat)
    listener.wait_for_more(2)
    chat.workers[0].kill()
    chat.processes.remove(chat.workers[0])
    chat.start(procfile()["worker"])
    chat.web.kill()
    chat.web.wait()
    chat.replace_web()
    listener.wait_for_more(2)
    for process in (chat.web, other):
        process.terminate()
        assert process.wait(40) == 0
    listener.stopped.set()
    tally = listener.conversation.witness.tally
    print(tally)
    assert listener.conversation.witness.in_order
    assert len(listener.heard) == 3, "each process's canary has a name of its own"
    ends = [dict((name, int(n)) for n, name in re.findall(r"(\d+) (\w+)", line)) for line in said_at_the_end(chat)]
    assert len(ends) == 2, chat.logs()
    for end in ends:
        assert (end["lost"], end["doubled"], end["inverted"]) == (0, 0, 0)
        assert end["heard"] > end["acknowledged"] > 0, "it heard the others, too"
    assert "A promise is broken" not in chat.logs()


def said_at_the_end(chat):
    return [line.partition(" ends: ")[2] for line in chat.logs().splitlines() if " ends: " in line]


def test_a_short_soak_ends_in_a_clean_verdict(tmp_path):
    options = "--minutes 0.15 --rooms 4 --clients 2 --workers 2 --database sqlite --keepalive 2 --every 3 --seed 1"
    options += " --kinds worker-kill,web-kill,web-restart,redis-kill"
    command = [sys.executable, "-m", "bench.soak", *options.split(), "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    verdict = json.loads((tmp_path / "verdict.json").read_text())
    assert verdict["clean"]
    assert verdict["said"] == verdict["acknowledged"] > 60
    assert (verdict["lost"], verdict["doubled"], verdict["inverted"]) == (0, 0, 0)
    assert "killed" in (tmp_path / "events.txt").read_text()
    assert "| ✓ | Rooms are numbered without holes |" in (tmp_path / "verdict.md").read_text()
