"""P5: a database that is not in UTF-8 refuses most texts; whoever wrote one hears so at once."""

import json
import uuid

import pytest
from channels.message import Message
from django.core.management import call_command
from django.test import Client

from chatapp import ledger, posting
from chatapp.identity import Sender
from chatapp.models import ChatMessage, Room
from tests.chat import Socket
from tests.databases import used


@pytest.fixture(scope="module")
def latin_template(postgres):
    name = "test_" + uuid.uuid4().hex
    postgres.execute("CREATE DATABASE %s ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0" % name)
    with used(postgres.url(name)):
        # It would be refused: call_command runs no checks.
        call_command("migrate", verbosity=0)
    yield name
    postgres.drop(name)


@pytest.fixture
def latin_lobby(postgres, latin_template):
    """A room in a database that knows only western letters."""
    name = postgres.create(template=latin_template)
    with used(postgres.url(name)):
        yield Room.objects.create(slug="lobby", title="Lobby")
    postgres.drop(name)


def test_a_text_that_the_database_refuses_is_answered_and_all_others_of_its_batch_are_stored(latin_lobby, layer):
    ann = Socket(layer)
    ann.frames()
    texts = ["one", "日本 🎉", "two", "tre", "čtyři", "Århus"]
    posting.post(
        [
            Message(
                {"room": "lobby", "message": text, "client_id": str(n), "reply_channel": ann.channel},
                "chat-messages",
                layer,
            )
            for n, text in enumerate(texts)
        ]
    )
    assert list(ChatMessage.objects.order_by("seq").values_list("seq", "message")) == [
        (1, "one"),
        (2, "two"),
        (3, "tre"),
        (4, "Århus"),
    ]
    answers = ann.frames("ack", "error")
    assert [(frame["client_id"], frame.get("code", "ack")) for frame in answers] == [
        (str(n), "unstorable_text" if n in (1, 4) else "ack") for n in range(len(texts))
    ]


def test_what_else_a_text_may_be_in_is_refused_as_well(latin_lobby, layer):
    ann = Socket(layer)
    ann.frames()
    for frame in ("/name 日本", {"message": "hi", "client_id": "日本"}, {"message": "日本", "client_id": "c"}):
        ann.say(frame)
        assert [found["code"] for found in ann.frames("error")] == ["unstorable_text"]
    ann.say("and then it goes on")
    assert [found["seq"] for found in ann.frames("ack")] == [1]


def test_a_post_that_the_database_refuses_is_a_bad_request(latin_lobby, layer):
    body = json.dumps({"message": "日本"})
    response = Client().post("/api/rooms/lobby/messages", body, content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (400, "unstorable_text")


def test_a_refused_text_is_no_part_of_the_transaction_around_it(latin_lobby):
    with pytest.raises(ledger.ClientError):
        ledger.store_and_announce("lobby", Sender("user:1", "Ann"), "日本", "c")
    assert ledger.store_and_announce("lobby", Sender("user:1", "Ann"), "hi", "d")[0].seq == 1
