from urllib.parse import quote

import pytest

from tests.examples.servers import new_name

NAMES = ["", "with spaces", "日本語 🎉", "a/b/c", "percent%25", "'; DROP TABLE rooms; --", "x" * 500]


def test_one_is_greeted_named_and_heard(server):
    path = "/explained/%s/" % new_name()
    with server.tab(path) as ann, server.tab(path) as ben:
        assert ann.next() == ben.next() == "[Welcome Anonymous!]"
        ann.say("hi")
        ben.hear("Anonymous: hi")
        ann.say("/name Ann")
        ann.say("it is me")
        ann.hear("[You are Ann now.]")
        ben.hear("Ann: it is me")
        ben.say("hi Ann")
        ann.hear("Anonymous: hi Ann")
    assert "[You are Ann now.]" not in ben.seen


@pytest.mark.parametrize("name", NAMES, ids=["empty", "spaces", "unicode", "slashes", "percent", "quotes", "long"])
def test_a_room_may_have_any_name(memory_server, name):
    path = "/explained/%s" % quote("%s/%s" % (new_name(), name))
    with memory_server.tab(path) as ann, memory_server.tab(path) as ben:
        ann.say("hi")
        ben.hear("Anonymous: hi")
    assert memory_server.get(path).status_code == 200


def test_rooms_whose_names_look_alike_are_two(server):
    name = new_name()
    with server.tab("/explained/%s" % name) as one, server.tab("/explained/%s%%C2%%A0" % name) as two:
        one.say("in the first")
        one.hear("Anonymous: in the first")
        two.say("in the second")
        two.hear("Anonymous: in the second")
    assert two.seen == ["[Welcome Anonymous!]", "Anonymous: in the second"]
