"""docs/coming-from.md: a Channels 1.x project that was never ours, and the three settings."""

import json
import re
import subprocess
import sys

import pytest
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.databases import ROOT
from tests.ports import free_port
from tests.waiting import FACTOR, wait_until

#: "Getting started" of Channels 1.x, as its reader has it: Channels' own layer and commands.
FILES = {
    "mysite/__init__.py": "",
    "mysite/settings.py": """
import os
BASE_DIR = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SECRET_KEY = "mine"
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["channels", "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions"]
ROOT_URLCONF = "mysite.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.path.join(BASE_DIR, "db.sqlite3")}}
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "asgi_redis.RedisChannelLayer",
        "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"], "prefix": "mysite", "channel_capacity": {"http.request": 200}},
        "ROUTING": "mysite.routing.routing",
    }
}
""",
    "mysite/urls.py": "urlpatterns = []\n",
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


@pytest.fixture
def mysite(tmp_path):
    """A function that starts one of the project's commands; it is ended after the test."""
    (block,) = re.findall(r"```python\n(# 1\..*?)```", (ROOT / "docs" / "coming-from.md").read_text(), re.DOTALL)
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with open(tmp_path / "mysite" / "settings.py", "a") as settings:
        settings.write(block)
    (tmp_path / "mysite" / "__init__.py").write_text("import relay\n")
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": "%s:%s" % (tmp_path, ROOT)}
    environment["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
    started = []

    def start(*arguments):
        command = [sys.executable, "-m", *arguments]
        with open(tmp_path / ("%d.log" % len(started)), "wb") as log:
            started.append(subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=log, stderr=log))
        return started[-1]

    yield start
    for process in started:
        process.terminate()
    for process in started:
        process.wait(20 * FACTOR)


def test_three_settings_bring_relay_to_a_project_of_ones_own(mysite, tmp_path):
    """D2, D5: a project without LOGGING, and with what asgi_redis was told."""

    def logs():
        return [path.read_text() for path in tmp_path.glob("*.log")]

    port = free_port()
    for command in ("check", "migrate"):
        assert mysite("django", command).wait(60) == 0
    mysite("relay.daphne", "-p", str(port), "mysite.asgi:channel_layer")
    workers = [mysite("django", "runworker") for _ in range(2)]

    def enter():
        try:
            return connect("ws://127.0.0.1:%d/kitchen/" % port, open_timeout=20 * FACTOR)
        except (OSError, WebSocketException):
            return None

    with wait_until(enter, "the interface server answers") as ann, enter() as ben:
        for n in range(20):
            ann.send(json.dumps(n))
        for socket in (ann, ben):
            assert [json.loads(socket.recv(timeout=20 * FACTOR)) for _ in range(20)] == list(range(20)), (
                "in order, by two workers"
            )
        ann.send("fail")
        said = wait_until(lambda: [text for text in logs() if "It can not do that" in text], "the failure is told")
    assert re.search(r"INFO    relay\.worker: Worker \S+ listens on .*websocket\.receive", said[0]), (
        "without any LOGGING"
    )
    assert "Traceback" in said[0]
    assert len(re.findall("listens on", said[0])) == 1
    assert [worker.poll() for worker in workers] == [None, None]
