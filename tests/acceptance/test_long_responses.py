"""
Responses and uploads that are long, slow or left in their middle: what is kept of one is bounded, and no worker is held
(S3, S5, S6). In real processes, with a Django project that was never ours, on each layer that they can share.
"""

import hashlib
import http.client
import json
import os
import socket as sockets
import subprocess
import sys
import time
import uuid

import psutil
import pytest
from django.db import connection

from tests.databases import ROOT, used
from tests.ports import free_port
from tests.waiting import FACTOR, wait_until

PATIENCE = 20 * FACTOR
MEGABYTE = 1024 * 1024
#: Bytes by which a process may grow for a response of 100 MB, or a body of 30 MB: most of it is Python's own.
GROWTH = 20 * MEGABYTE
LAYERS = ["sqlite", "postgresql", "redis"]
GET = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

pytestmark = pytest.mark.timeout(120 * FACTOR)

FILES = {
    "__init__.py": "import relay\n",
    "asgi.py": "from channels.asgi import get_channel_layer\nchannel_layer = get_channel_layer()\n",
    "settings.py": """
import json, os
SECRET_KEY = "mine"
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "site2.urls"
INSTALLED_APPS = ["relay", "channels", "django.contrib.auth", "django.contrib.contenttypes"]
DATABASES = json.loads(os.environ["SITE_DATABASES"])
CHANNEL_LAYERS = {"default": {"ROUTING": [], **json.loads(os.environ["SITE_LAYER"])}}
RELAY_MAX_BODY_BYTES = 300 * 1024 * 1024
RELAY_READ_TIMEOUT = float(os.environ.get("SITE_READ_TIMEOUT", "60"))
LOGGING = {"version": 1, "disable_existing_loggers": False, "handlers": {"console": {"class": "logging.StreamHandler"}},
           "root": {"handlers": ["console"], "level": "INFO"}}
""",
    "urls.py": """
import hashlib, os, signal, time
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

def note(what):
    with open(os.environ["SITE_NOTES"], "a") as notes:
        notes.write(what + "\\n")

def big(request):
    def megabytes():
        try:
            for n in range(int(request.GET["mb"])):
                yield bytes([n % 256]) * 1024 * 1024
            note("whole")
        finally:
            note("closed")
    return StreamingHttpResponse(megabytes())

def ticks(request):
    def forever():
        try:
            while True:
                yield b"data: x\\n\\n"
                time.sleep(0.1)
        finally:
            note("closed")
    return StreamingHttpResponse(forever(), content_type="text/event-stream")

def upload(request):
    if os.path.exists(os.environ["SITE_NOTES"] + ".kill"):
        os.unlink(os.environ["SITE_NOTES"] + ".kill")
        os.kill(os.getpid(), signal.SIGKILL)
    digest = hashlib.sha256()
    while part := request.read(65536):
        digest.update(part)
    return HttpResponse(digest.hexdigest())

def form(request):
    digest = hashlib.sha256()
    for part in request.FILES["f"].chunks():
        digest.update(part)
    return HttpResponse(digest.hexdigest())

urlpatterns = [path("big", big), path("ticks", ticks), path("upload", upload), path("form", form),
               path("pid", lambda request: HttpResponse(str(os.getpid())))]
""",
}


class Site:
    """The project, with an interface server and one worker."""

    def __init__(self, folder, layer, databases, **environment):
        self.folder, self.notes, self.port = folder, folder / "notes", free_port()
        self.notes.touch()
        package = folder / "site2"
        package.mkdir()
        for name, text in FILES.items():
            (package / name).write_text(text)
        self.environment = {
            **os.environ,
            "PYTHONPATH": "%s:%s" % (folder, ROOT),
            "DJANGO_SETTINGS_MODULE": "site2.settings",
            "SITE_DATABASES": json.dumps(databases),
            "SITE_LAYER": json.dumps(layer),
            "SITE_NOTES": str(self.notes),
            **environment,
        }
        self.processes = []
        access = ["--access-log", str(folder / "access")]
        self.server = self.start(
            "relay.daphne", "-b", "127.0.0.1", "-p", str(self.port), *access, "site2.asgi:channel_layer"
        )
        self.worker = self.start("django", "runworker")
        wait_until(lambda: self.answer("/pid"), "the project answers", 40)

    def start(self, *command):
        with open(self.folder / ("%d.log" % len(self.processes)), "wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *command], cwd=self.folder, env=self.environment, stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def answer(self, path, method="GET", body=None, headers=()):
        """The body of a response; None if nobody listens."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            client.request(method, path, body, dict(headers))
            response = client.getresponse()
            return response.read() if response.status == 200 else None
        except ConnectionRefusedError:
            return None
        finally:
            client.close()

    def raw(self, path):
        client = sockets.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        client.sendall(GET % path)
        return client

    def memory(self):
        return [psutil.Process(process.pid).memory_info().rss for process in (self.server, self.worker)]

    def logs(self):
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("*.log")))

    def stop(self):
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def start_site(tmp_path, free_database):
    made = []

    def start(kind, **environment):
        layer, databases = free_database(kind)
        made.append(Site(tmp_path, layer, databases, **environment))
        return made[-1]

    yield start
    for site in made:
        site.stop()


@pytest.fixture
def free_database(request):
    """The layer and the databases of a project, of this kind."""

    def make(kind):
        if kind == "redis":
            hosts = [request.getfixturevalue("redis_url")]
            config = {"hosts": hosts, "prefix": request.getfixturevalue("redis_prefix")}
            return {"BACKEND": "relay.layers.redis.RedisChannelLayer", "CONFIG": config}, {}
        with used(request.getfixturevalue(kind + "_url")):
            found = connection.settings_dict
            keys = ("ENGINE", "NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS")
            database = {key: found[key] for key in keys if found.get(key)}
        database = {key: str(value) if key == "NAME" else value for key, value in database.items()}
        return {"BACKEND": "relay.layers.database.DatabaseChannelLayer"}, {"default": {**database, "CONN_MAX_AGE": 60}}

    return make


@pytest.mark.parametrize("kind", LAYERS)
def test_whoever_leaves_or_does_not_read_holds_neither_memory_nor_a_worker(start_site, kind):
    """S3, S5."""
    site = start_site(kind, SITE_READ_TIMEOUT="3")
    with site.raw(b"/ticks") as client:
        client.recv(1000)
    wait_until(lambda: site.notes.read_text() == "closed\n", "the stream of who left is closed")
    before = site.memory()
    with site.raw(b"/big?mb=100"):
        wait_until(lambda: "has read nothing for" in site.logs(), "who reads nothing is cut off", 60)
        growth = [after - now for after, now in zip(site.memory(), before, strict=True)]
    wait_until(lambda: site.notes.read_text() == "closed\nclosed\n", "its stream is closed")
    assert max(growth) < GROWTH
    assert site.answer("/pid") == b"%d" % site.worker.pid, "the worker is free"
    line = next(line for line in (site.folder / "access").read_text().splitlines() if "/big" in line)
    assert int(line.split()[-1]) < 20 * MEGABYTE, "the log tells what was sent"


@pytest.mark.parametrize("kind", LAYERS)
def test_a_long_body_and_a_long_response_arrive_whole(start_site, kind):
    """S6: it was answered 503. A body stays in a file of the interface server until it is asked for."""
    site = start_site(kind)
    body = os.urandom(MEGABYTE) * 30
    expected = hashlib.sha256(body).hexdigest().encode()
    before = site.memory()
    assert site.answer("/upload", "POST", body) == expected
    # Long enough to be in no random bytes: Django does not ask for a line break before it.
    edge = uuid.uuid4().hex.encode()
    head = b'--%b\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\n' % edge
    form = b"%b%b\r\n--%b--\r\n" % (head, body, edge)
    headers = {"Content-Type": "multipart/form-data; boundary=%s" % edge.decode()}
    assert site.answer("/form", "POST", form, headers) == expected
    parts = (body[start : start + MEGABYTE] for start in range(0, len(body), MEGABYTE))
    assert site.answer("/upload", "POST", parts) == expected
    assert max(after - now for after, now in zip(site.memory(), before, strict=True)) < GROWTH
    answer = site.answer("/big?mb=30")
    assert answer == b"".join(bytes([n]) * MEGABYTE for n in range(30))
    assert site.notes.read_text() == "whole\nclosed\n"


def test_a_body_whose_worker_was_killed_arrives_whole_at_the_next(start_site):
    """S6."""
    site = start_site("redis")
    body = os.urandom(MEGABYTE) * 10
    (site.folder / "notes.kill").touch()
    site.start("django", "runworker")
    assert site.answer("/upload", "POST", body) == hashlib.sha256(body).hexdigest().encode()
    assert not (site.folder / "notes.kill").exists(), "one was killed"


def test_a_slow_reader_is_not_cut_off(start_site):
    """S3. The limit for who reads nothing is a fraction of the time that the download takes."""
    site = start_site("redis", SITE_READ_TIMEOUT="2")
    received = 0
    client = sockets.socket()
    client.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 64 * 1024)
    client.settimeout(PATIENCE)
    client.connect(("127.0.0.1", site.port))
    with client:
        client.sendall(GET % b"/big?mb=12")
        while received < 12 * MEGABYTE:
            received += len(client.recv(64 * 1024))
            time.sleep(0.05)
    assert "has read nothing" not in site.logs()
    wait_until(lambda: site.notes.read_text() == "whole\nclosed\n", "its stream is closed")
