import json

import requests

from tests.examples.servers import new_name


def token_of(server, name):
    """Make an account, and get a token."""
    fields = {"username": name, "password": "tall grass 7"}
    for path in ("/notices/api/accounts", "/notices/api/token"):
        answer = requests.post(server.url(path), json=fields, timeout=20)
        assert answer.ok, answer.text
    return answer.json()["access"]


def opened(tab, token):
    """The tab has said its token; returns the list of notifications."""
    tab.say(json.dumps({"token": token}))
    return json.loads(tab.hear(lambda text: '"notifications"' in text))


def notice(text):
    return json.loads(text).get("type") == "notification"


def test_members_hear_at_once_and_on_return_what_is_said(server):
    path = "/notices/%s/" % new_name("s")
    anna, bob = new_name("anna"), new_name("bob")
    token = token_of(server, bob)
    with server.tab(path) as first, server.tab(path) as laptop:
        opened(laptop, token)
        opened(first, token_of(server, anna))
        first.say(json.dumps({"text": "hello"}))
        heard = json.loads(laptop.hear(notice))
        assert (heard["text"], heard["unread"]) == ("%s: hello" % anna, 1)
        laptop.connection.close()
        first.say(json.dumps({"text": "bob?"}))
        first.hear(lambda text: json.loads(text).get("said") == "bob?")
        with server.tab(path) as again, server.tab(path) as other:
            for tab in (again, other):
                page = opened(tab, token)
                assert ([one["text"] for one in page["notifications"]], page["unread"]) == (
                    ["%s: bob?" % anna, "%s: hello" % anna],
                    2,
                )
            again.say(json.dumps({"read": True}))
            for tab in (again, other):
                assert json.loads(tab.hear(lambda text: json.loads(text).get("type") == "read"))["unread"] == 0
    assert not [text for text in first.seen if notice(text)], "nobody is notified of what he says"


def test_who_has_no_token_hears_and_says_nothing(memory_server):
    path = "/notices/%s/" % new_name("s")
    with memory_server.tab(path) as stranger, memory_server.tab(path) as member:
        opened(member, token_of(memory_server, new_name("carl")))
        for said in ('{"text": "hi"}', "nonsense", "[]", '{"token": "mine"}', "5"):
            stranger.say(said)
            assert "error" in json.loads(stranger.next())
        member.say(json.dumps({"text": "secret"}))
        member.hear(lambda text: "said" in json.loads(text))
    assert not [text for text in stranger.seen if "secret" in text]


def test_an_account_needs_a_name_of_its_own_and_a_password(memory_server):
    name = new_name("dora")
    token_of(memory_server, name)
    for fields in ({"username": name.upper(), "password": "tall grass 7"}, {"username": "x y", "password": "short"}):
        answer = requests.post(memory_server.url("/notices/api/accounts"), json=fields, timeout=20)
        assert answer.status_code == 400
        assert answer.json()["username"]
