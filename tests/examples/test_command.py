"""`manage.py example`: what it says, and each example by itself."""

import importlib
import io
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from channels.message import Message
from channels.routing import Router
from django.core.management import call_command
from django.core.management.base import CommandError
from django.urls import resolve

from examples.catalogue import NAMES, catalogue
from tests.examples.servers import Server
from tests.waiting import wait_until

#: Seconds between two keepalives, about; and messages that a socket always has waiting.
INTERVAL, WAITING = 2, 8


def test_without_a_name_it_lists_what_there_is():
    shown = io.StringIO()
    call_command("example", stdout=shown, no_color=True)
    lines = shown.getvalue().splitlines()
    for example in catalogue():
        assert "%-11s %s" % (example.name, example.title) in lines
        assert " " * 12 + example.source in lines
    assert "all         All of them in one server" in lines


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nosuch"], "There is no example 'nosuch'. There are: %s, all." % ", ".join(NAMES)),
        (["echo", "--workers", "3"], "--workers needs --layer database or redis"),
        (["echo", "--workers", "0", "--layer", "redis"], "a number from 1 up"),
        (["echo", "--port", "99999"], "Port 99999"),
        (["models", "tell_time", "lobby", "--layer", "redis"], "Which Redis?"),
    ],
)
def test_what_it_can_not_do_it_says_before_it_starts_anything(arguments, said):
    with pytest.raises(CommandError, match=said.replace("?", "[?]")):
        call_command("example", *arguments)


def test_a_port_that_is_taken_is_named():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CommandError, match="Port %d: Address already in use" % port):
            call_command("example", "echo", port=port)


#: Those that are special alone, and one that is not. That the others have routes at / is tested below.
ALONE = ["hello", "echo", "linearize", "rooms", "notices"]


def test_an_example_runs_alone_too(tmp_path):
    """At / instead of /<name>/, with no other in its settings."""

    def check(name):
        (tmp_path / name).mkdir()
        server = Server(tmp_path / name, name, whole=name == "echo", RELAY_KEEPALIVE_INTERVAL=INTERVAL)
        try:
            server.wait_until_ready()
            CHECKS.get(name, check_page)(server)
        finally:
            server.stop()
        return name

    # Two at a time: more would not be faster.
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(check, ALONE)) == ALONE


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ALONE])
def test_an_example_has_its_own_routes_and_urls(name):
    routing = importlib.import_module("examples.%s.routing" % name)
    router = Router(getattr(routing, "channel_routing", None) or routing.memory)
    paths = {"tutorial": "/chat/a/", "models": "/a/"}
    message = Message({"path": paths.get(name, "/"), "reply_channel": "x!y"}, "websocket.connect", None)
    assert router.match(message)[0].__module__ == "examples.%s.consumers" % name
    assert resolve("/", "examples.%s.urls" % name)


def check_page(server):
    """Its page is there, and its socket opens at the page's address."""
    page = server.get("/")
    assert "All examples" not in page.text
    with server.tab(page.url.removeprefix(server.url(""))):
        assert 'id="' in page.text


def check_hello(server):
    """Nothing is left for Django's views."""
    assert server.get("/any/path").text == "Hello world! You asked for /any/path"


def check_echo(server):
    """Without `websocket.keepalive` a tab would be out of the group after three times the interval."""
    began = time.monotonic()
    with server.tab("/") as tab:
        tab.say("first")
        tab.hear("first")
        wait_until(lambda: time.monotonic() > began + 3 * INTERVAL + 1, "more time than a membership lasts")
        tab.say("late")
        tab.hear("late")


def check_linearize(server):
    """A keepalive is answered though other messages of the socket wait for their turn."""
    with server.tab("/") as tab:
        for _ in range(WAITING):
            tab.say("more")
        assert tab.next().startswith("connect")
        while not tab.next().startswith("keepalive"):
            tab.say("more")
        handled = len(tab.seen) - 2
        assert tab.next().startswith("receive %d:" % (handled + 1))
        assert tab.next().startswith("receive %d:" % (handled + 2))


def check_rooms(server):
    """The page and the socket have one address also where the room is in the query."""
    assert "Room abc" in server.get("/?room=abc").text
    with server.tab("/?room=abc") as tab:
        tab.say("hello")
        tab.hear("hello")


CHECKS = {"hello": check_hello, "echo": check_echo, "linearize": check_linearize, "rooms": check_rooms}


def test_the_index_leads_to_every_example(memory_server):
    page = memory_server.get("/").text
    for example in catalogue():
        assert 'href="%s/"' % example.name in page
        assert memory_server.get("/%s/" % example.name).status_code == 200
