import re

import pytest
import requests
from channels.message import Message

from examples.letters.consumers import ws_connect
from tests.examples.servers import new_name


def sign_up(server, name):
    """Make an account by the page; returns the browser's session."""
    browser = requests.Session()
    url = server.url("/letters/signup/")
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(url, timeout=20).text)[1]
    form = {"csrfmiddlewaretoken": token, "username": name, "password1": "tall grass 7", "password2": "tall grass 7"}
    page = browser.post(url, data=form, timeout=20)
    assert "You are <bdi>%s</bdi>" % name in page.text, page.text
    return browser


def cookie(browser):
    return {"additional_headers": {"Cookie": "example_session=" + browser.cookies["example_session"]}}


def test_one_talks_to_those_whose_name_begins_alike(server):
    anna, alice, bob = new_name("Anna"), new_name("alice"), new_name("bob")
    with (
        server.tab("/letters/", **cookie(sign_up(server, anna))) as first,
        server.tab("/letters/", **cookie(sign_up(server, alice))) as second,
        server.tab("/letters/?letter=a&group=letter-97", **cookie(sign_up(server, bob))) as third,
    ):
        first.say("hello")
        second.hear("%s: hello" % anna)
        third.say("a b, whatever the address says")
        third.hear("%s: a b, whatever the address says" % bob)
        second.say("the last")
        first.hear("%s: the last" % alice)
    assert not [text for text in third.seen if anna in text or alice in text]
    assert not [text for text in first.seen if bob in text]


def test_a_session_key_in_the_address_does_as_well_as_a_cookie(server):
    name = new_name("dora")
    key = sign_up(server, name).cookies["example_session"]
    with server.tab("/letters/?session_key=" + key) as tab:
        assert tab.next() == "Welcome, %s." % name
    assert key not in server.log()


def test_a_name_may_begin_with_any_letter(memory_server):
    name = new_name("étienne")
    with memory_server.tab("/letters/", **cookie(sign_up(memory_server, name))) as tab:
        tab.say("bonjour")
        tab.hear("%s: bonjour" % name)


@pytest.mark.parametrize("query", ["", "?session_key=nobodys"])
def test_who_is_not_logged_in_is_told_so_and_let_go(memory_server, query):
    with memory_server.tab("/letters/" + query) as tab:
        assert tab.until_closed() == 4401
        assert tab.seen == ["Log in first."]


def test_the_page_asks_to_log_in(memory_server):
    assert memory_server.get("/letters/").url.endswith("/letters/login/?next=/letters/")


def test_who_logs_out_is_out(memory_server):
    browser = sign_up(memory_server, new_name("carl"))
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', browser.get(memory_server.url("/letters/")).text)[1]
    browser.post(memory_server.url("/letters/logout/"), data={"csrfmiddlewaretoken": token}, timeout=20)
    assert browser.get(memory_server.url("/letters/"), timeout=20).url.endswith("/letters/login/?next=/letters/")


def test_sessions_in_signed_cookies_are_refused_with_a_clear_error(settings_override, layer):
    settings_override(SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies")
    content = {"reply_channel": "x!y", "path": "/", "query_string": b"", "headers": []}
    with pytest.raises(ValueError, match="signed cookie sessions"):
        ws_connect(Message(content, "websocket.connect", layer))
