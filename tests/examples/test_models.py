import re

import pytest
import requests

from tests.examples.servers import new_name


def post(server, room, what, **fields):
    browser = requests.Session()
    url = server.url("/models/%s/" % room)
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(url, timeout=20).text)[1]
    assert browser.post(url + what, data={"csrfmiddlewaretoken": token, **fields}, timeout=20).url == url


@pytest.fixture
def room():
    return new_name()


@pytest.fixture
def tab(server, room):
    with server.tab("/models/%s/" % room) as tab:
        yield tab


def test_what_a_tab_says_is_saved_and_heard_by_the_others(server, room, tab):
    with server.tab("/models/%s/" % room) as other:
        other.say("hi")
        tab.hear("socket: hi")
    assert "socket: hi" in server.get("/models/%s/" % room).text


def test_a_view_can_say_something(server, room, tab):
    post(server, room, "say", message="by HTTP")
    tab.hear("view: by HTTP")


def test_a_row_that_is_saved_is_announced(server, room, tab):
    post(server, room, "build", title="7", passed="on")
    tab.hear("signal: Build 7 passed.")
    post(server, room, "build", title="8")
    tab.hear("signal: Build 8 failed.")


def test_a_command_that_cron_runs_reaches_the_tabs(server, room, tab):
    """From a process of its own, also where the server keeps its layer in memory."""
    server.manage("tell_time", room)
    tab.hear(lambda text: re.fullmatch(r"cron: It is \d\d:\d\d UTC\.", text))


def test_a_bot_listens_and_answers(tab):
    tab.say("Ping")
    tab.hear("bot: pong")


def test_a_room_hears_only_what_is_for_it(server, room, tab):
    with server.tab("/models/%s/" % new_name()) as elsewhere:
        elsewhere.say("not for you")
        elsewhere.hear("socket: not for you")
    tab.say("for us")
    assert tab.next() == "socket: for us"


def test_html_that_somebody_says_is_text(memory_server, room):
    with memory_server.tab("/models/%s/" % room) as tab:
        tab.say("<b>bold</b>")
        tab.hear("socket: <b>bold</b>")
    assert "socket: &lt;b&gt;bold&lt;/b&gt;" in memory_server.get("/models/%s/" % room).text
