"""Whatever a socket says: it hears a frame of the wire table, or nothing, and nothing is raised."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp.dashboard import exceptions as dashboard
from chatapp.dashboard.storing import record
from chatapp.exceptions import CLOSE_CODES, ERRORS
from chatapp.models import Presence
from tests.chat import Socket, log_in, work
from tests.databases import ROOT
from tests.fuzz import DATABASES
from tests.fuzz.strategies import FRAME_TEXTS, FRAMES, JSON_VALUES, NAMES, QUERIES, TEXT

pytestmark = [pytest.mark.parametrize("database_url", DATABASES, indirect=True), pytest.mark.usefixtures("lobby")]

CODES = {*ERRORS, *dashboard.ERRORS}
CLOSES = {*CLOSE_CODES.values(), *dashboard.CLOSE_CODES.values()}


def documented(page):
    """The types of frames that a server sends, as its page has them."""
    sends = (ROOT / "docs" / page).read_text().split("erver sends", 1)[1].split("\n## ")[0]
    return set(re.findall(r'^\| `\{"type": "(\w+)"', sends, re.MULTILINE))


TYPES = documented("protocol.md") | documented("dashboard.md")


def check(socket):
    """What it was sent is what an interface server sends on, and each frame is in the tables. Returns the frames."""
    contents = socket.contents()
    for content in contents:
        assert content.keys() <= {"accept", "text", "close"}
        assert content.get("close", 4001) in CLOSES
    frames = [json.loads(content["text"].encode("utf-8")) for content in contents if "text" in content]
    assert {frame["type"] for frame in frames} <= TYPES
    assert {frame["code"] for frame in frames if frame["type"] == "error"} <= CODES
    return frames


@pytest.fixture
def put(caplog):
    """A function that puts a message on the layer, has it handled, and looks whether anything was raised."""

    def put(socket, channel, **content):
        socket.put("websocket." + channel, **content)
        look(caplog)

    return put


def look(caplog):
    """Fail if something was raised: consumers are run as workers do, which log it."""
    raised = [record.getMessage() + (record.exc_text or "") for record in caplog.records if record.levelname == "ERROR"]
    caplog.clear()
    # A bot may want its answer on what is no channel.
    assert [text for text in raised if "can't be sent and is dropped" not in text] == []


@pytest.fixture(autouse=True)
def unlimited(settings_override):
    settings_override(CHAT_RATE_LIMIT=0)


def forgotten(layer, key):
    socket = Socket(layer)
    Presence.objects.filter(channel=socket.channel).delete()
    return socket


#: How a socket may be.
STATES = {
    "a_guest": lambda layer, key: Socket(layer),
    "a_user": lambda layer, key: Socket(layer, query="session_key=" + key),
    "one_who_must_say_who_it_is": lambda layer, key: Socket(layer, query="auth"),
    "one_that_hears_notifications": lambda layer, key: Socket(layer, "/notifications/", cookie="sessionid=" + key),
    "one_that_is_refused": lambda layer, key: Socket(layer, "/chat/a b/"),
    "one_that_is_forgotten": forgotten,
    "one_that_sees_a_dashboard": lambda layer, key: Socket(layer, "/dashboard/garden/", cookie="sessionid=" + key),
    "one_that_may_not_see_it": lambda layer, key: Socket(layer, "/dashboard/garden/"),
}


@pytest.mark.parametrize("state", STATES)
def test_any_frame_in_any_state_is_answered_or_not_and_the_next_message_is_served(layer, alice, put, state):
    key = log_in(alice)
    record("garden.soil", 1.5)
    listener = Socket(layer)

    @given(st.lists(FRAME_TEXTS | st.binary(max_size=20), min_size=1, max_size=4))
    def say(frames):
        socket = STATES[state](layer, key)
        for order, frame in enumerate(frames):
            check(socket)
            put(socket, "receive", **{"bytes" if isinstance(frame, bytes) else "text": frame}, order=order)
        put(socket, "keepalive")
        check(socket)
        listener.say({"message": "good", "client_id": socket.process[-11:]})
        assert socket.process[-11:] in [frame["client_id"] for frame in listener.frames("ack")]
        put(socket, "disconnect")
        check(socket)

    say()


PATHS = st.one_of(
    st.builds("/chat/{}/".format, NAMES),
    st.builds("/dashboard/{}/".format, NAMES),
    st.builds("/notifications/{}".format, NAMES),
    st.sampled_from(["/websocket/", "/", "", "/chat/", "/dashboard/", "/chat//", "/notifications/"]),
    TEXT,
).map(lambda path: path.encode("utf-8", "replace").decode("utf-8"))
COOKIES = st.one_of(st.just(""), st.builds("sessionid={}; guest={}".format, TEXT, TEXT), TEXT)


def test_any_handshake_is_let_in_or_told_why_not(layer, caplog, put):
    @given(PATHS, QUERIES.map(lambda query: query.encode("latin1", "replace")), COOKIES)
    def knock(path, query, cookie):
        socket = Socket(layer, path, query, cookie)
        look(caplog)
        assert check(socket), "who is let in hears something, and who is not, too"
        put(socket, "receive", text='{"message": "hi"}')
        put(socket, "disconnect")
        check(socket)

    knock()


#: What a bot may put on a channel: whatever the layers carry.
CONTENTS = st.builds(
    lambda frame, more: json.loads(json.dumps({**frame, **more}).encode("utf-8", "replace"), parse_constant=str),
    FRAMES,
    st.dictionaries(
        st.sampled_from(["room", "message", "sender", "name", "announce", "reply_channel", "client_id"]),
        JSON_VALUES | st.sampled_from(["lobby", "hi", "letters"]),
        max_size=5,
    ),
)


def test_whatever_a_bot_puts_on_chat_messages_the_next_message_is_stored(layer, caplog):
    listener = Socket(layer)

    @given(CONTENTS)
    def send(content):
        try:
            layer.send("chat-messages", content)
        except TypeError:
            # Numbers that no layer carries.
            return
        work(layer)
        look(caplog)
        check(listener)
        listener.say({"message": "good"})
        assert len(listener.frames("ack")) == 1

    send()
