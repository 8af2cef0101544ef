import json

import pytest

from tests.examples.servers import new_name


def test_what_is_said_in_a_room_comes_to_every_tab_as_json(server):
    path = "/tutorial/chat/%s/" % new_name()
    with server.tab(path) as one, server.tab(path) as two:
        one.say(json.dumps({"message": "Grüße"}))
        assert json.loads(one.next()) == json.loads(two.next()) == {"message": "Grüße"}


def test_rooms_are_apart(server):
    with server.tab("/tutorial/chat/%s/" % new_name()) as one, server.tab("/tutorial/chat/%s/" % new_name()) as two:
        one.say('{"message": "here"}')
        assert json.loads(one.next()) == {"message": "here"}
        two.say('{"message": "there"}')
        assert json.loads(two.next()) == {"message": "there"}


@pytest.mark.parametrize("frame", ["hello", "[]", "{}", '{"message": 7}', "null", "", b"\x00"])
def test_a_frame_that_is_wrong_is_answered_and_harms_nobody(memory_server, frame):
    with memory_server.tab("/tutorial/chat/%s/" % new_name()) as tab:
        tab.say(frame)
        assert "must be JSON" in json.loads(tab.next())["error"]
        tab.say('{"message": "right"}')
        assert json.loads(tab.next()) == {"message": "right"}


def test_there_is_a_page_for_each_room_and_one_to_choose(memory_server):
    assert "Room lobby" in memory_server.get("/tutorial/chat/lobby/").text
    assert "What chat room" in memory_server.get("/tutorial/").text
    assert memory_server.get("/tutorial/chat/no%20room/").status_code == 404
