import pytest

from tests.examples.servers import new_name


def test_who_is_in_another_room_does_not_hear_it(server):
    here, there = "/rooms/%s/" % new_name(), "/rooms/%s/" % new_name()
    with server.tab(here) as ann, server.tab(here) as ben, server.tab(there) as carol:
        ann.say("for those here")
        ben.hear("for those here")
        carol.say("for those there")
        assert carol.next() == "for those there"
        ben.say("to the end")
        ann.hear("to the end")
    assert ann.seen == ["for those here", "to the end"]


@pytest.mark.parametrize("path", ["/rooms/?room=%s", "/rooms/websocket?room=%s"])
def test_the_room_may_stand_in_the_query(server, path):
    room = new_name()
    with server.tab(path % room) as ann, server.tab("/rooms/%s/" % room) as ben:
        ann.say("by the query")
        ben.hear("by the query")
        ben.say("by the path")
        ann.hear("by the path")


def test_the_session_keeps_the_room_for_many_messages(server):
    """Whichever worker gets them."""
    room = new_name()
    with server.tab("/rooms/?room=%s" % room) as tab:
        for number in range(15):
            tab.say(str(number))
        assert [tab.next() for _ in range(15)] == [str(number) for number in range(15)]


@pytest.mark.parametrize(
    "path", ["/rooms/", "/rooms/?room=", "/rooms/?room=b%C3%A9", "/rooms/?room=%FF", "/rooms/a%20b/"]
)
def test_without_a_room_one_is_told_why_and_let_go(memory_server, path):
    with memory_server.tab(path) as tab:
        assert tab.until_closed() == 4404
        assert tab.seen[0].startswith("Which room?")


def test_the_page_asks_for_a_room_or_shows_it(memory_server):
    assert 'name="room"' in memory_server.get("/rooms/").text
    assert "Room abc" in memory_server.get("/rooms/abc/").text
    assert "Room &lt;b&gt;" in memory_server.get("/rooms/?room=<b>").text
