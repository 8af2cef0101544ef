import json
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest

from chatapp import protocol
from chatapp.exceptions import ClientError
from chatapp.protocol import AskPresence, History, Say, Slash, Typing


def code_of(text):
    with pytest.raises(ClientError) as raised:
        protocol.decode(text)
    return raised.value.code


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("hello world", Say("hello world")),
        ("[1, 2]", Say("[1, 2]")),
        ('"quoted"', Say('"quoted"')),
        ('{"message": "hi"}', Say("hi")),
        ('{"message": "hi", "client_id": "a"}', Say("hi", "a")),
        ('{"type": "message", "message": "hi", "client_id": null}', Say("hi")),
        ('{"type": "typing"}', Typing()),
        ('{"type": "presence"}', AskPresence()),
        ('{"type": "history", "before": 120, "limit": 10}', History(120, None, 10)),
        ('{"type": "history", "since": 99}', History(None, 99, protocol.PAGE_DEFAULT)),
        ('{"type": "history", "since": 0, "limit": 100000}', History(None, 0, protocol.PAGE_LIMIT)),
        ('{"type": "history", "since": -5, "limit": -5}', History(None, 0, 1)),
        ('{"type": "history", "before": 99999999999999999999999}', History(2**62, None, protocol.PAGE_DEFAULT)),
        ("/name Ann", Slash("name", "Ann")),
        ('{"message": "/name  Ann Lee ", "client_id": "c"}', Slash("name", "Ann Lee", "c")),
        ("/who", Slash("who", "")),
        ("/roll 2d6", Say("/roll 2d6")),
        ("/named", Say("/named")),
    ],
)
def test_a_frame_means_what_the_wire_table_says(text, command):
    assert protocol.decode(text) == command


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (None, "binary_frame"),
        ("", "empty_message"),
        (" \n ", "empty_message"),
        ('{"message": ""}', "empty_message"),
        ("x" * 4001, "message_too_long"),
        ('{"message": "hi"', "invalid_json"),
        ("{", "invalid_json"),
        ('{"a":' * 100_000, "invalid_json"),
        ('{"message": "a\\u0000b"}', "invalid_text"),
        ("a\0b", "invalid_text"),
        ('{"message": "\\ud800"}', "invalid_text"),
        ('{"message": 5}', "invalid_message"),
        ("{}", "invalid_message"),
        ('{"message": "x", "client_id": 5}', "invalid_client_id"),
        ('{"message": "x", "client_id": ""}', "invalid_client_id"),
        ('{"message": "x", "client_id": "%s"}' % ("c" * 65), "invalid_client_id"),
        ('{"message": "x", "client_id": "\\ud800"}', "invalid_text"),
        ('{"type": "zzz"}', "unknown_type"),
        ('{"type": ["message"]}', "unknown_type"),
        ('{"type": "history"}', "invalid_history"),
        ('{"type": "history", "before": 1, "since": 1}', "invalid_history"),
        ('{"type": "history", "since": true}', "invalid_history"),
        ('{"type": "history", "since": "1"}', "invalid_history"),
        ('{"type": "history", "since": 1.5}', "invalid_history"),
    ],
)
def test_bad_input_has_a_code_of_its_own(text, code):
    assert code_of(text) == code


def test_an_error_about_a_message_names_its_client_id():
    with pytest.raises(ClientError) as raised:
        protocol.decode('{"message": "", "client_id": "mine"}')
    assert protocol.error_frame(raised.value)["client_id"] == "mine"


def test_four_thousand_characters_are_not_too_long():
    assert protocol.decode("é" * 4000) == Say("é" * 4000)


@pytest.mark.parametrize("slug", ["a", "lobby", "Room-1", "x_y", "0", "a" * 64])
def test_a_room_name_of_letters_digits_hyphens_and_underscores_is_taken(slug):
    assert protocol.checked_room(slug) == slug


@pytest.mark.parametrize(
    "slug",
    ["", " ", "a b", "é", "a" * 65, "a" * 200, "../", "a/b", "a\n", "\na", "a.b", "٣", None, 5, b"a", "a!b", "a?"],
)
def test_any_other_room_name_is_refused(slug):
    """A24: also a trailing newline and digits of other scripts, which the pinned stack lets pass."""
    with pytest.raises(ClientError) as raised:
        protocol.checked_room(slug)
    assert raised.value.code == "invalid_room"


@pytest.mark.parametrize(
    "name", ["", " ", "a\nb", "x" * 41, "a\u2028b", "a\0", None, "\u200b", "\u200d", "abc\u202etxt", "\u3000"]
)
def test_a_name_that_could_not_be_seen_or_not_on_one_line_is_refused(name):
    with pytest.raises(ClientError):
        protocol.checked_name(name)


@pytest.mark.parametrize("name", ["Ann", " Ann Lee ", "Zoë Ø", "山田", "👩\u200d🚀"])
def test_any_other_name_is_taken(name):
    assert protocol.checked_name(name) == name.strip()


def test_a_message_frame_gives_its_time_in_utc():
    berlin = timezone(timedelta(hours=2))
    row = SimpleNamespace(
        id=7,
        seq=3,
        name="Ann",
        sender="user:1",
        message="hi",
        sent=datetime(2026, 11, 21, 12, 30, tzinfo=berlin),
        client_id="c",
    )
    assert protocol.message_frame("lobby", row) == {
        "type": "message",
        "room": "lobby",
        "seq": 3,
        "id": 7,
        "user": "Ann",
        "sender": "user:1",
        "message": "hi",
        "sent": "2026-11-21T10:30:00.000000Z",
        "client_id": "c",
    }


def test_frames_are_json_with_characters_as_they_are():
    content = protocol.text(protocol.answer("notice", None, text="é\n"))
    assert content == {"text": '{"type":"notice","text":"é\\n"}'}
    assert json.loads(content["text"]) == {"type": "notice", "text": "é\n"}


def test_an_answer_carries_the_client_id_of_what_it_answers():
    assert protocol.answer("notice", "c", text="x") == {"type": "notice", "text": "x", "client_id": "c"}
