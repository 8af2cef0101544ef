import pytest
from channels import Channel
from django.db import IntegrityError, transaction

from chatapp.exceptions import ClientError
from chatapp.models import ChatMessage, Room


def test_saving_a_row_gives_it_the_next_number(lobby, layer):
    assert [ChatMessage.objects.create(room=lobby, message="x").seq for _ in range(3)] == [1, 2, 3]


def test_saving_a_row_again_keeps_its_number(lobby, layer):
    row = ChatMessage.objects.create(room=lobby, message="x")
    row.save()
    assert (row.seq, Room.objects.get().head) == (1, 1)


def test_a_worker_is_asked_to_broadcast_only_after_the_commit(lobby, layer):
    with transaction.atomic():
        ChatMessage.objects.create(room=lobby, message="x")
        assert layer.receive(["chat-messages"]) == (None, None)
    assert layer.receive(["chat-messages"])[1] == {"room": "lobby", "announce": True}


def test_a_row_is_stored_though_the_layer_is_gone(lobby, layer, monkeypatch, caplog):
    def fail(self, content, immediately=False):
        raise ConnectionError

    monkeypatch.setattr(Channel, "send", fail)
    ChatMessage.objects.create(room=lobby, message="x")
    assert ChatMessage.objects.count() == 1
    assert "the sweeper broadcasts it" in caplog.text


def test_rows_that_go_around_the_numbering_are_refused(lobby):
    with pytest.raises(IntegrityError):
        ChatMessage.objects.bulk_create([ChatMessage(room=lobby, message="x")])


def test_saving_a_room_that_was_read_long_ago_keeps_its_numbers(lobby, layer):
    """Else its next message would take a number that is taken, for good."""
    ChatMessage.objects.create(room=lobby, message="one")
    lobby.title = "Renamed"
    lobby.save()
    assert ChatMessage.objects.create(room=lobby, message="two").seq == 2
    assert Room.objects.get().title == "Renamed"


def test_a_room_cannot_be_saved_under_a_name_that_cannot_be(database):
    with pytest.raises(ClientError, match="letters"):
        Room.objects.create(slug="a bad")
