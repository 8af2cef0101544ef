import pytest
from channels.message import Message
from django.http import HttpResponse

from relay import responses
from relay.responses import ViewConsumer


@pytest.fixture
def answering(monkeypatch):
    """A ViewConsumer whose view answers with megabytes, to a client whose queue holds three parts."""
    consumer = ViewConsumer()
    consumer.handler = lambda message: consumer.handler_class.encode_response(HttpResponse(b"x" * 3_000_000))
    monkeypatch.setattr(responses, "PATIENCE", 0.2)
    return consumer


def test_a_response_that_nobody_reads_frees_its_worker(layer, answering, caplog):
    """B17: Channels tries for ever."""
    layer.channel_layer.capacity = 3
    answering(Message({"reply_channel": "test.reply!x", "path": "/big"}, "http.request", layer))
    assert "Nobody reads the response to /big; it is cut off" in caplog.text


def test_a_response_that_is_read_is_whole(layer, answering):
    answering(Message({"reply_channel": "test.reply!x", "path": "/big"}, "http.request", layer))
    parts = []
    while (found := layer.receive(["test.reply!"]))[0]:
        parts.append(found[1])
    assert sum(len(part["content"]) for part in parts) == 3_000_000
    assert parts[-1]["more_content"] is False
