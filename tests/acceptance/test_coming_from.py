"""docs/coming-from.md, word by word: a Channels 1.x project that was never ours, and relay."""

import json
import re
import subprocess
import sys
import urllib.request
from importlib.metadata import distribution, distributions
from pathlib import Path

import environ
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from websockets.sync.client import connect

from tests.databases import ROOT
from tests.ports import free_port
from tests.waiting import FACTOR, wait_until

#: "Getting started" of Channels 1.x, as its reader has it: Channels' own layer and commands.
FILES = {
    "manage.py": """
import os
import sys
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
from django.core.management import execute_from_command_line
execute_from_command_line(sys.argv)
""",
    "mysite/__init__.py": "",
    "mysite/settings.py": """
import os
BASE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SECRET_KEY = "mine"
USE_TZ = True
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["channels", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
ROOT_URLCONF = "mysite.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(BASE_DIR, "db.sqlite3")}}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "asgi_redis.RedisChannelLayer",
        "CONFIG": {"hosts": ["%(redis)s"], "prefix": "%(prefix)s", "channel_capacity": {"http.request": 200}},
        "ROUTING": "mysite.routing.routing",
    }
}
""",
    "mysite/urls.py": "urlpatterns = []\n",
    "mysite/test_chat.py": """
from channels import Channel
from channels.test import ChannelTestCase, TransactionChannelTestCase, WSClient
from django.contrib.sessions.models import Session
from django.utils import timezone

class Chatting:
    def test_what_is_sent_is_there_to_be_looked_at(self):
        Channel("orders").send({"number": 1})
        self.assertEqual(self.get_next_message("orders", require=True).content, {"number": 1})

    def test_what_one_test_sent_is_not_there_in_another(self):
        self.assertIsNone(self.get_next_message("orders"))
        Channel("orders").send({"number": 2})

    def test_a_consumer_answers_its_client(self):
        client = WSClient()
        client.send_and_consume("websocket.connect", path="/kitchen/")
        client.send_and_consume("websocket.receive", text="hello")
        self.assertEqual(client.receive(json=False), "hello")

    def test_times_come_back_as_they_went_in(self):
        now = timezone.now()
        Session.objects.create(session_key="abc", expire_date=now)
        self.assertEqual(Session.objects.get().expire_date, now)

class InATransaction(Chatting, ChannelTestCase):
    pass

class InNone(Chatting, TransactionChannelTestCase):
    pass
""",
    "mysite/asgi.py": "from channels.asgi import get_channel_layer\nchannel_layer = get_channel_layer()\n",
    "mysite/routing.py": """
from channels import Group
from channels.routing import route
from channels.sessions import channel_session

@channel_session
def connect(message):
    message.channel_session["room"] = message["path"].strip("/")
    message.reply_channel.send({"accept": True})
    Group("chat-" + message.channel_session["room"]).add(message.reply_channel)

@channel_session
def receive(message):
    if message["text"] == "fail":
        raise ValueError("It can not do that")
    Group("chat-" + message.channel_session["room"]).send({"text": message["text"]})

@channel_session
def disconnect(message):
    Group("chat-" + message.channel_session["room"]).discard(message.reply_channel)

routing = [
    route("websocket.connect", connect),
    route("websocket.receive", receive),
    route("websocket.disconnect", disconnect),
]
""",
}


REDIS_LAYER, DATABASE_LAYER = "relay.layers.redis.RedisChannelLayer", "relay.layers.database.DatabaseChannelLayer"
#: The oldest Django that relay works with, and what else that needs in an old version. `make` puts them there.
DJANGO_2_2 = Path(sys.prefix) / "django2.2"
#: What goes on until it is told to end.
SERVERS = ("runworker", "relay.daphne")


def page():
    """The section for a project of one's own, as text."""
    text = (ROOT / "docs" / "coming-from.md").read_text()
    return text.partition("## A Channels 1.x project of your own")[2].partition("\n## ")[0]


class Reader:
    """Somebody with a project of their own, who does what the page says."""

    def __init__(self, folder, layer, redis_url, redis_prefix, django=None):
        self.folder = folder / "site"
        self.port = free_port()
        self.layer = layer
        self.started = []
        (folder / "parley").symlink_to(ROOT)
        for name, text in FILES.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text % {"redis": redis_url, "prefix": redis_prefix} if "settings" in name else text)
        self.environment = {"PATH": "/usr/bin:/bin", "DJANGO_SETTINGS_MODULE": "mysite.settings"}
        # What the page installs is there already: this sees that nothing else is asked for.
        self.environment |= {"PIP_NO_INDEX": "1", "PIP_DRY_RUN": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        if django is not None:
            assert django.is_dir(), "make test fetches it"
            self.environment["PYTHONPATH"] = str(django)

    def follow(self, text):
        """Do what the blocks say, in their order; what each command says, by command."""
        assert DATABASE_LAYER in text
        text = text.replace(REDIS_LAYER, self.layer) if self.layer != REDIS_LAYER else text
        said = {}
        for kind, block in re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL):
            if kind == "python":
                self.write(block)
            else:
                said |= {line: self.run(line.replace("8000", str(self.port))) for line in block.splitlines()}
        return said

    def write(self, block):
        """Put the block where its first line says."""
        name, how = re.match(r"# (\S+): (at the end|a new file)\n", block).groups()
        assert (self.folder / name).exists() == (how == "at the end"), name
        with open(self.folder / name, "a") as file:
            file.write(block)

    def run(self, line):
        """Run a line of a shell; what goes on goes on behind it."""
        name, *arguments = line.split()
        if name == "curl":
            return wait_until(lambda: self.fetched(*arguments), "%s answers" % line)
        python = {"python": [sys.executable], "pip": [sys.executable, "-m", "pip"]}.get(name, [name])
        command = [*python, *arguments]
        if any(server in arguments for server in SERVERS):
            return self.start(command)
        done = subprocess.run(command, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, (line, done.stdout, done.stderr)
        return done.stdout + done.stderr

    def start(self, command):
        with open(self.folder / ("%d.log" % len(self.started)), "wb") as log:
            process = subprocess.Popen(command, cwd=self.folder, env=self.environment, stdout=log, stderr=log)
        self.started.append(process)
        return ""

    def logs(self):
        """What the servers have written, in the order in which they were started."""
        return [(self.folder / ("%d.log" % n)).read_text() for n in range(len(self.started))]

    def fetched(self, url):
        try:
            with urllib.request.urlopen(url, timeout=20 * FACTOR) as response:
                return response.read().decode()
        except OSError:
            return None

    def stop(self):
        for process in self.started:
            process.terminate()
        for process in self.started:
            process.wait(20 * FACTOR)


@pytest.fixture(params=[REDIS_LAYER, DATABASE_LAYER], ids=["redis", "database"])
def reader(request, tmp_path, redis_url, redis_prefix):
    reader = Reader(tmp_path, request.param, redis_url, redis_prefix)
    yield reader
    reader.stop()


def test_the_page_leads_a_project_of_ones_own_to_its_end(reader):
    """D2, D5: install, settings, logging, tests, health, metrics."""
    said = reader.follow(page())
    told = said["python manage.py check"]
    assert ("relay.W012" in told) == (reader.layer == DATABASE_LAYER), "hosts and prefix may stay"
    assert "makes no use of hosts, prefix" in told or reader.layer == REDIS_LAYER
    assert "Ran 9 tests" in said["python manage.py test"]
    for path, words in {"healthz": '"ok"', "readyz": '"websocket.receive"', "metrics": "relay_processes"}.items():
        assert words in said["curl http://127.0.0.1:8000/" + path]
    assert "websocket.receive" in said["python manage.py channels"]
    # As many workers as one likes.
    reader.run("python manage.py runworker")
    chat_with_two_workers(reader)


@pytest.fixture(params=["sqlite", "postgresql"])
def own_database(request):
    """A line for the settings of a project with this database; its tests make another one beside it."""
    if request.param == "sqlite":
        yield ""
        return
    postgres = request.getfixturevalue("postgres")
    name = postgres.create()
    yield "DATABASES = {'default': %r}\n" % environ.Env.db_url_config(postgres.url(name))
    postgres.drop(name)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="Django 2.2 itself does not start on Python 3.12 and later")
def test_a_project_on_django_2_2_takes_relay_first(tmp_path, redis_url, redis_prefix, own_database):
    """P1: it need not change its Django, or its asgiref, at the same time."""
    reader = Reader(tmp_path, REDIS_LAYER, redis_url, redis_prefix, DJANGO_2_2)
    with open(reader.folder / "mysite" / "settings.py", "a") as settings:
        settings.write(own_database)
    try:
        assert reader.run("python -m django --version").strip() == "2.2.28"
        # What the page has it install is there, but for Django and asgiref.
        said = reader.follow(page().replace("pip install --no-deps -r requirements.txt\n", ""))
        assert "Ran 9 tests" in said["python manage.py test"]
        reader.run("python manage.py runworker")
        chat_with_two_workers(reader)
    finally:
        reader.stop()


def chat_with_two_workers(reader):
    url = "ws://127.0.0.1:%d/kitchen/" % reader.port
    with connect(url, open_timeout=20 * FACTOR) as ann, connect(url, open_timeout=20 * FACTOR) as ben:
        for n in range(20):
            ann.send(json.dumps(n))
        for socket in (ann, ben):
            assert [json.loads(socket.recv(timeout=20 * FACTOR)) for _ in range(20)] == list(range(20)), "in order"
        ann.send("fail")
        failed = wait_until(
            lambda: [text for text in reader.logs() if "It can not do that" in text], "the failure is told"
        )
    (log,) = failed
    assert "Traceback" in log
    worker, server, _ = reader.logs()
    assert len(re.findall(r"INFO    relay\.worker: Worker \S+ listens on .*websocket\.receive", worker)) == 1
    assert len(re.findall(r"INFO    relay\.daphne: Starting server at tcp", server)) == 1
    assert [process.poll() for process in reader.started] == [None] * 3


def test_nothing_is_needed_beyond_what_the_page_installs():
    """D5: with their dependencies, the requirements had msgpack and msgpack-python in one folder."""
    assert "pip install --no-deps -r requirements.txt" in page()
    lines = [line for line in (ROOT / "requirements.txt").read_text().splitlines() if not line.startswith((" ", "#"))]
    pinned = {canonicalize_name(Requirement(line).name) for line in lines}
    missing = set()
    for name in pinned & {canonicalize_name(found.metadata["Name"]) for found in distributions()}:
        needs = map(Requirement, distribution(name).requires or [])
        missing |= {canonicalize_name(need.name) for need in needs if not need.marker or need.marker.evaluate()}
    assert missing - pinned == {"msgpack-python"}
    assert "msgpack" in pinned


OWN_LOGGING = """
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"mine": {"format": "MINE %%(name)s %%(message)s"}},
    "handlers": {"mine": {"class": "logging.StreamHandler", "formatter": "mine"}},
    %s
}
"""
PLACES = {
    "root": '"root": {"handlers": ["mine"], "level": "INFO"}',
    "relay": '"loggers": {"relay": {"handlers": ["mine"], "level": "INFO"}}',
}


@pytest.mark.parametrize("reader", [DATABASE_LAYER], indirect=True, ids=["database"])
@pytest.mark.parametrize("place", PLACES)
def test_a_projects_own_logging_wins_and_each_line_comes_once(reader, place):
    """D2"""
    with open(reader.folder / "mysite" / "settings.py", "a") as settings:
        settings.write(OWN_LOGGING % PLACES[place])
    reader.follow(page())
    logs = wait_until(lambda: all("MINE" in log for log in reader.logs()) and reader.logs(), "both have said something")
    for log, line in zip(logs, ("relay.worker Worker", "relay.daphne Starting server"), strict=True):
        assert len(re.findall("MINE " + line, log)) == 1
        assert len(re.findall(line.split()[1], log)) == 1, "relay's own handler is not there as well"
