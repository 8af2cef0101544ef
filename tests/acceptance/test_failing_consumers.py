"""
One client whose consumer fails or is slow harms nobody else, and its end is told (L5).

In real processes, with a Channels 1.x project that was never ours: the consumer is Channels' own.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from relay.layers.database import DatabaseChannelLayer
from relay.layers.redis import RedisChannelLayer
from tests.databases import ROOT, used
from tests.ports import free_port
from tests.waiting import FACTOR, wait_until

#: Sockets that fail and close. TESTS_CROWD=1000 takes half a minute.
CROWD = int(os.environ.get("TESTS_CROWD", "200"))
#: Frames that may wait on a channel, and seconds after which what has no other expiry is dropped.
CAPACITY, EXPIRY = 40, 1
#: A heartbeat that is no JSON, as some client libraries send it.
BAD = "ping"
#: Seconds below which a round trip is as good as any. A machine with nothing to do answers in two or three
#: milliseconds, and a single switch between processes would double that.
QUICK = 0.005 * FACTOR
PATIENCE = 20 * FACTOR

FILES = {
    "__init__.py": "import relay\n",
    "asgi.py": "from channels.asgi import get_channel_layer\nchannel_layer = get_channel_layer()\n",
    "urls.py": "urlpatterns = []\n",
    "settings.py": """
import json, os
SECRET_KEY = "mine"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "site1.urls"
INSTALLED_APPS = ["relay", "channels", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
DATABASES = {"default": {"ENGINE": "relay.backends.sqlite3", "NAME": os.environ["SITE_DATABASE"], "CONN_MAX_AGE": 60}}
CHANNEL_LAYERS = {"default": {"ROUTING": "site1.routing.routes", **json.loads(os.environ["SITE_LAYER"])}}
""",
    "routing.py": """
import os, time
from channels.exceptions import ConsumeLater
from channels.generic.websockets import JsonWebsocketConsumer
from channels.routing import route_class

def note(kind, message):
    with open(os.environ["SITE_NOTES"], "a") as notes:
        notes.write("%s %s %s\\n" % (message["path"], kind, message.reply_channel.name))

class Echo(JsonWebsocketConsumer):
    def connect(self, message, **kwargs):
        note("connect", message)
        message.reply_channel.send({"accept": True})

    def raw_receive(self, message, **kwargs):
        note("receive", message)
        super().raw_receive(message, **kwargs)

    def receive(self, content, **kwargs):
        time.sleep(content.get("seconds", 0))
        if content.get("later"):
            raise ConsumeLater
        self.send({"echo": content})

    def disconnect(self, message, **kwargs):
        note("disconnect", message)

routes = [route_class(Echo)]
""",
}


class Site:
    """The project, with an interface server and two workers. `kind`: of its layer."""

    def __init__(self, folder, kind, database, redis_url):
        self.folder, self.kind, self.database = folder, kind, database
        self.notes = folder / "notes"
        self.notes.touch()
        self.options = {
            "capacity": CAPACITY,
            "expiry": EXPIRY,
            # Frames must be there for as long as a test takes, and a crowd may come at once. Only disconnects, of which
            # nothing is said here, would expire so soon.
            "channel_expiry": {"websocket.[!d]*": 60, "daphne.response.*": 60},
            "channel_capacity": {"websocket.connect": 2 * CROWD},
        }
        if kind == "redis":
            self.options |= {"hosts": [redis_url], "prefix": "test-%s:" % folder.name}
        self.port = free_port()
        self.processes = []

    @property
    def backend(self):
        return DatabaseChannelLayer if self.kind == "sqlite" else RedisChannelLayer

    def start(self):
        package = self.folder / "site1"
        package.mkdir()
        for name, text in FILES.items():
            (package / name).write_text(text)
        backend = "%s.%s" % (self.backend.__module__, self.backend.__name__)
        environment = {
            **os.environ,
            "PYTHONPATH": "%s:%s" % (self.folder, ROOT),
            "DJANGO_SETTINGS_MODULE": "site1.settings",
            "SITE_DATABASE": str(self.database),
            "SITE_LAYER": json.dumps({"BACKEND": backend, "CONFIG": self.options}),
            "SITE_NOTES": str(self.notes),
        }
        server = ["relay.daphne", "-b", "127.0.0.1", "-p", str(self.port), "site1.asgi:channel_layer"]
        for n, command in enumerate((server, ["django", "runworker"], ["django", "runworker"])):
            with open(self.folder / ("%d.log" % n), "wb") as log:
                self.processes.append(
                    subprocess.Popen(
                        [sys.executable, "-m", *command], cwd=self.folder, env=environment, stdout=log, stderr=log
                    )
                )

    def wait_until_ready(self):
        def ready():
            assert all(process.poll() is None for process in self.processes), self.logs()
            try:
                with self.socket("/ready/") as socket:
                    return trip(socket)
            except (OSError, WebSocketException):
                return None

        wait_until(ready, "the project answers", 40)

    def stop(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def logs(self):
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def socket(self, path):
        url = "ws://127.0.0.1:%d%s" % (self.port, path)
        return connect(url, open_timeout=PATIENCE, ping_interval=None, max_queue=None)

    def noted(self, path, kind):
        """The sockets on this path for which that consumer was called, each as often as it was."""
        lines = (line.split() for line in self.notes.read_text().splitlines())
        return [name for where, what, name in lines if (where, what) == (path, kind)]

    @contextmanager
    def layer(self):
        """The site's layer, as another process sees it."""
        with ExitStack() as stack:
            options = {**self.options}
            if self.kind == "sqlite":
                stack.enter_context(used("sqlite:///%s" % self.database))
            layer = self.backend(**options)
            stack.callback(layer.close)
            yield layer


@pytest.fixture(scope="module", params=["redis", "sqlite"])
def site(request, tmp_path_factory, sqlite_template, redis_url):
    """One for all tests of a kind: each has paths of its own."""
    folder = tmp_path_factory.mktemp("site")
    database = folder / "site.sqlite3"
    database.write_bytes(sqlite_template.read_bytes())
    one = Site(folder, request.param, database, redis_url)
    one.start()
    try:
        one.wait_until_ready()
        yield one
    finally:
        one.stop()


def trip(socket, **content):
    """Seconds from a good frame to its answer."""
    began = time.monotonic()
    socket.send(json.dumps(content))
    assert json.loads(socket.recv(timeout=PATIENCE)) == {"echo": content}
    return time.monotonic() - began


def trips(socket, go_on):
    """Round trips of a socket that has something to say now and then, for as long as this is true."""
    found = []
    while go_on(len(found)):
        found.append(trip(socket))
        time.sleep(0.02)  # Its pace.
    return found


def check_innocent(site, path, harm):
    """
    The median of an innocent socket's round trips while `harm` runs in another thread is no more than twice what it is
    alone, and none takes long. Other tests may slow down either, so it has three tries.
    """
    for _ in range(3):
        with site.socket(path) as innocent, ThreadPoolExecutor(1) as pool:
            alone = trips(innocent, lambda count: count < 40)
            harmed = pool.submit(harm)
            during = trips(innocent, lambda count, harmed=harmed: count < 40 or not harmed.done())
            harmed.result()
        if report(path, alone, during) and max(during) < 2 * FACTOR:
            return
    raise AssertionError("others notice")


def report(path, alone, during):
    """Print the medians; whether the second is as good as the first."""
    medians = statistics.median(alone) * 1000, statistics.median(during) * 1000
    counts = (path, len(alone), medians[0], len(during), medians[1], max(during) * 1000)
    print("%s: median of %d alone %.1f ms; of %d meanwhile %.1f ms, the slowest %.1f ms" % counts)
    return medians[1] <= 2 * max(medians[0], QUICK * 1000)


def test_a_frame_that_fails_delays_the_next_of_its_socket_by_less_than_two_seconds(site):
    """L5: it waited for 16 to 50 seconds."""
    with site.socket("/same/") as socket:
        socket.send(BAD)
        took = trip(socket)
    print("%.3f s after one bad frame" % took)
    assert took < 2 * FACTOR
    wait_until(lambda: len(site.noted("/same/", "disconnect")) == 1, "its end is told")


def test_a_socket_that_sends_only_bad_frames_does_not_slow_down_another(site):
    """L5: after 130 of them an innocent one waited 57 s. This one sends on at the rate at which the server reads."""
    sent = 0
    with site.socket("/flood/") as bad:

        def flood():
            nonlocal sent
            sent += 130
            for _ in range(130):
                bad.send(BAD)
            wait_until(lambda: len(site.noted("/flood/", "receive")) >= sent, "all of them were handled")

        check_innocent(site, "/beside-the-flood/", flood)
        assert trip(bad) < 2 * FACTOR
    assert len(site.noted("/flood/", "receive")) == sent + 1, "none was tried again"


@pytest.mark.parametrize("site", ["redis"], indirect=True)
def test_a_socket_whose_consumer_wants_its_frames_later_for_ever_does_not_slow_down_another(site):
    """L5: and its disconnect comes all the same."""

    def harm():
        before = len(site.noted("/later/", "disconnect"))
        with site.socket("/later/") as bad:
            for _ in range(2):
                bad.send(json.dumps({"later": True}))
        wait_until(lambda: len(site.noted("/later/", "disconnect")) > before, "its end is told")

    check_innocent(site, "/beside-the-later/", harm)
    assert site.noted("/later/", "disconnect") == site.noted("/later/", "connect")


def test_a_slow_consumer_holds_up_its_own_socket_and_does_not_use_up_the_channel(site):
    """L5: what comes behind it fills the channel, of which each other lane has a part for itself. Nothing is lost."""
    frames = [{"seconds": 2 + FACTOR}, *({"n": n} for n in range(CAPACITY + 30))]
    with site.socket("/slow/") as slow, site.socket("/beside-the-slow/") as innocent, site.layer() as layer:
        alone = trips(innocent, lambda count: count < 40)
        for frame in frames:
            slow.send(json.dumps(frame))

        def is_full():
            return any(row.depth >= CAPACITY for row in layer.status() if row.channel == "websocket.receive")

        wait_until(is_full, "the channel is full")
        report("/beside-the-slow/", alone, trips(innocent, lambda count: count < 40))
        with pytest.raises(TimeoutError):
            pytest.fail("the slow one is through: %s" % slow.recv(timeout=0))
        assert [json.loads(slow.recv(timeout=PATIENCE))["echo"] for _ in frames] == frames


def test_a_disconnect_that_waits_behind_failing_frames_for_longer_than_the_expiry_is_handled(site):
    """L5: it expired, and its consumer never ran."""
    with site.socket("/end/") as socket:
        socket.send(json.dumps({"seconds": 1.5 * EXPIRY}))
        for _ in range(6):
            socket.send(BAD)
    assert site.noted("/end/", "disconnect") == [], "it waits"
    wait_until(lambda: site.noted("/end/", "disconnect"), "it is handled")
    assert site.noted("/end/", "disconnect") == site.noted("/end/", "connect")


def test_each_socket_of_a_crowd_whose_every_frame_fails_is_told_to_have_gone_once(site):
    """L5: every other one says goodbye; the rest are cut off."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(site.socket("/crowd/")) for _ in range(CROWD)]
        for socket in sockets:
            for _ in range(3):
                socket.send(BAD)
        for polite, rude in zip(sockets[::2], sockets[1::2], strict=True):
            polite.close()
            rude.socket.close()
        wait_until(lambda: len(site.noted("/crowd/", "disconnect")) >= CROWD, "all have gone", 30 + CROWD / 10)
    with site.layer() as layer:
        wait_until(lambda: all(row.depth + row.in_flight == 0 for row in layer.status()), "nothing is left to do")
    entered, gone = site.noted("/crowd/", "connect"), site.noted("/crowd/", "disconnect")
    assert len(entered) == len(set(entered)) == CROWD
    assert Counter(gone) == Counter(entered)
