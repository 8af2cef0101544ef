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


NO_FORMS = ["multipart/form-data", "multipart/form-data; boundary=", "Multipart/Mixed; boundary=" + "b" * 201]


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data; é", "text/plain; charset=zlib", "text/plain; charset=\0", *NO_FORMS]
)
def test_a_content_type_that_no_parser_takes_is_a_bad_request(layer, content_type):
    assert status(layer, [[b"content-type", content_type.encode("latin1")]]) == 400


def test_the_content_type_that_browsers_send_with_files_is_taken(layer):
    content_type = b"multipart/form-data; boundary=----WebKitFormBoundary7MA4"
    assert status(layer, [[b"host", b"localhost"], [b"content-type", content_type]]) == 200


def test_too_many_fields_in_a_query_are_a_bad_request(layer):
    """Channels reads the query while it makes the request, if there is a charset: outside what Django answers."""
    assert status(layer, [[b"content-type", b"text/plain; charset=utf-8"]], "a=1&" * 1001) == 400


def status(layer, headers, query=""):
    request = {"reply_channel": "test.reply!x", "path": "/healthz", "method": "GET", "query_string": query}
    ViewConsumer()(Message({**request, "headers": headers}, "http.request", layer))
    return layer.receive(["test.reply!"])[1]["status"]
