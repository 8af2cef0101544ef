"""
The whole of it on one machine: nginx with TLS, two interface servers, three workers, Redis and PostgreSQL, each as its
recipe has it (the systemd units' commands). The browser tests pass through it: some, with TESTS_FRONT=nginx all.
"""

import json
import os
from collections.abc import Iterator

import pytest

from tests.acceptance import test_browser
from tests.acceptance.browsers import needs_chromium
from tests.acceptance.test_browser import window  # noqa: F401
from tests.deploy.fronts import Nginx, needs_nginx
from tests.deploy.recipes import environment_file, recipe
from tests.deploy.stacks import Stack
from tests.waiting import wait_until

#: What depends most on what is in front: sockets, what restarts, cookies and forms.
SOME = [
    "test_two_windows_chat",
    "test_a_server_that_restarts_says_so_and_the_windows_come_back_by_themselves",
    "test_signing_up_chatting_and_logging_out_in_another_tab",
]
ALL = [name for name in dir(test_browser) if name.startswith("test_")]

pytestmark = [needs_chromium, needs_nginx, pytest.mark.usefixtures("database")]
# They are collected here once more, and get the `chat` below.
for name in ALL if os.environ.get("TESTS_FRONT") == "nginx" else SOME:
    globals()[name] = getattr(test_browser, name)


@pytest.fixture(scope="module")
def stack(recipe_redis, recipe_postgres, tmp_path_factory) -> Iterator[Stack]:
    # The variables of the recipe, and no others but where things are.
    settings = {"SECRET_KEY": "a key for tests", "ALLOWED_HOSTS": "localhost,127.0.0.1"}
    settings["CHAT_URL"] = "https://localhost"
    assert settings.keys() <= environment_file(recipe("systemd/parley.env").read_text()).keys()
    started = Stack(tmp_path_factory.mktemp("stack"), recipe_postgres.url, recipe_redis().url, "parley:", **settings)
    try:
        yield started.start_units(webs=2, workers=3).behind(Nginx)
    finally:
        started.stop()


@pytest.fixture
def database_url(recipe_postgres):
    """For this process's Django, too: with nothing of the test before in it."""
    recipe_postgres.empty()
    return recipe_postgres.url


@pytest.fixture
def chat(stack, database_url) -> Stack:
    return stack


def test_each_of_them_has_its_part(chat):
    """Both interface servers hold sockets, and all workers live."""
    sockets = [chat.socket() for _ in range(4)]
    for socket in sockets:
        socket.next("welcome")
    sockets[0].send({"message": "hello", "client_id": "1"})
    for socket in sockets[1:]:
        assert socket.next("message")["message"] == "hello"
    wait_until(lambda: len(json.loads(chat.get("/readyz")[1])["workers"]) == 3, "all workers are seen")
    for port in chat.servers:
        assert '"127.0.0.1:%d" "101"' % port in after_closing(chat, sockets)


def after_closing(chat, sockets):
    """nginx's log: a socket stands there when it has ended."""
    for socket in sockets:
        socket.connection.close()
    wait_until(lambda: chat.front.logs().count('"101"') >= len(sockets), "all are in the log")
    return chat.front.logs()
