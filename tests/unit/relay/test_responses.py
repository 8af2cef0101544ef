import pytest
from channels.message import Message
from django.db import connection
from django.http import HttpResponse
from django.template import TemplateDoesNotExist, loader

from relay import streams
from relay.layers.inmemory import ChannelLayer
from relay.responses import Request, StaticFilesConsumer, ViewConsumer
from tests.databases import used


@pytest.fixture
def answering(monkeypatch):
    """A ViewConsumer whose view answers with megabytes, to a client whose queue holds three parts."""
    consumer = ViewConsumer()
    consumer.handler = lambda message: consumer.handler_class.encode_response(HttpResponse(b"x" * 3_000_000))
    monkeypatch.setattr(streams, "PATIENCE", 0.2)
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
    "content_type",
    [
        "multipart/form-data; é",
        "text/plain; charset=zlib",
        "text/plain; charset=\0",
        "text/plain; charset=punycode",
        *NO_FORMS,
    ],
)
def test_a_content_type_that_no_parser_takes_is_a_bad_request(layer, content_type):
    assert status(layer, [[b"content-type", content_type.encode("latin1")]]) == 400


def test_the_content_type_that_browsers_send_with_files_is_taken(layer):
    content_type = b"multipart/form-data; boundary=----WebKitFormBoundary7MA4"
    assert status(layer, [[b"host", b"localhost"], [b"content-type", content_type]]) == 200


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded; charset=windows-1251",
        "text/xml; charset=Shift_JIS",
        "text/plain; charset=gb2312",
        "text/plain; charset=KOI8-R",
        "application/json; charset=",
    ],
)
def test_a_charset_that_python_and_django_know_reaches_the_view(layer, content_type):
    """S10"""
    assert status(layer, [[b"host", b"localhost"], [b"content-type", content_type.encode()]]) == 200


def test_a_form_is_in_utf_8_whatever_it_says(layer):
    """S10. Django 5 would fail on it, and on the page that says so."""
    kind = "application/x-www-form-urlencoded; charset=windows-1251"
    sent = {"body": b"csrfmiddlewaretoken=no", "content-type": kind, "cookie": "csrftoken=" + "a" * 32}
    assert answer(layer, "/accounts/login/", method="POST", **sent)[0] == 403


def test_too_many_fields_in_a_query_are_a_bad_request(layer):
    """Channels reads the query while it makes the request, if there is a charset: outside what Django answers."""
    assert status(layer, [[b"content-type", b"text/plain; charset=utf-8"]], "a=1&" * 1001) == 400


def status(layer, headers, query=""):
    request = {"reply_channel": "test.reply!x", "path": "/healthz", "method": "GET", "query_string": query}
    ViewConsumer()(Message({**request, "headers": headers}, "http.request", layer))
    return layer.receive(["test.reply!"])[1]["status"]


def answer(layer, path, consumer=ViewConsumer, method="GET", body=b"", **headers):
    """What the client gets: status, headers and content."""
    names = [(name.encode(), value.encode()) for name, value in {"host": "localhost", **headers}.items()]
    request = {"reply_channel": "test.reply!x", "path": path, "method": method, "query_string": b"", "headers": names}
    request["body"] = body
    consumer()(Message(request, "http.request", layer))
    found = layer.receive(["test.reply!"])[1]
    return found["status"], {name.decode(): value.decode() for name, value in found["headers"]}, found["content"]


@pytest.fixture
def no_database(tmp_path):
    """A database that can't be opened."""
    with used("sqlite:///%s" % (tmp_path / "nothing" / "parley.sqlite3")):
        yield


@pytest.mark.usefixtures("no_database")
@pytest.mark.parametrize("consumer", [ViewConsumer, StaticFilesConsumer])
@pytest.mark.parametrize("path", ["/", "/chat/lobby/", "/api/rooms/lobby/messages"])
def test_a_page_without_its_database_is_unavailable_and_says_when_to_come_back(layer, caplog, path, consumer):
    """P6: 500, as if it were broken for good, and a traceback in the log for each."""
    status, headers, content = answer(layer, path, consumer, cookie="sessionid=" + "a" * 32)
    assert (status, headers["Retry-After"]) == (503, "5")
    assert headers["Cache-Control"] == "no-store"
    assert "Content-Security-Policy" in headers, "middleware has seen it"
    assert b"Try again in a few seconds" in content
    (record,) = caplog.records
    assert (record.levelname, record.exc_info) == ("WARNING", None)
    assert record.getMessage() == "%s is answered 503 (away): unable to open database file" % path


@pytest.mark.usefixtures("no_database")
def test_a_browser_gets_a_page_that_loads_itself_again(layer, monkeypatch):
    accept = "text/html,application/xhtml+xml,*/*;q=0.8"
    status, headers, content = answer(layer, "/", accept=accept)
    assert (status, headers["Retry-After"], headers["Refresh"]) == (503, "5", "5")
    assert b"<h1>One moment</h1>" in content
    before = loader.get_template

    def get_template(name, using=None):
        if name == "503.html":
            raise TemplateDoesNotExist(name)
        return before(name, using)

    monkeypatch.setattr(loader, "get_template", get_template)
    status, headers, content = answer(layer, "/", accept=accept)
    assert (status, headers["Refresh"], headers["Content-Type"]) == (503, "5", "text/plain; charset=utf-8")


@pytest.mark.usefixtures("no_database")
def test_what_was_posted_is_not_posted_again_by_itself(layer):
    body = b'{"message": "hi"}'
    about = {"content-type": "application/json", "content-length": str(len(body))}
    status, headers, _ = answer(layer, "/api/rooms/lobby/messages", method="POST", body=body, **about)
    assert (status, "Retry-After" in headers, "Refresh" in headers) == (503, True, False)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_session_that_can_not_be_saved_is_answered_the_same_once(database, layer, settings_override, caplog):
    """P6: it is saved by a middleware, when the view is through."""
    settings_override(SESSION_SAVE_EVERY_REQUEST=True)
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA query_only = on")
    status, headers, _ = answer(layer, "/healthz", cookie="sessionid=" + "a" * 32)
    assert (status, headers["Retry-After"]) == (503, "5")
    assert len(caplog.records) == 1
    settings_override(SESSION_SAVE_EVERY_REQUEST=False)
    assert answer(layer, "/")[0] == 200, "and the next has another connection"


def test_a_view_that_is_broken_is_answered_500(layer, monkeypatch, caplog):
    monkeypatch.setattr("relay.readiness.state", lambda: 1 / 0)
    status, headers, _ = answer(layer, "/readyz")
    assert (status, "Retry-After" in headers) == (500, False)
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(("client", "address"), [(["203.0.113.7", 5], "203.0.113.7"), (None, "")])
def test_a_request_of_an_unknown_client_has_an_empty_address(client, address):
    """S2: there was none, which code that does not expect it answers with 500."""
    message = {"reply_channel": "test.reply!x", "path": "/", "method": "GET", "client": client}
    assert Request(Message(message, "http.request", None)).META["REMOTE_ADDR"] == address


def test_a_request_has_the_same_id_each_time_it_is_delivered():
    """C1"""
    layer = ChannelLayer()
    for _ in range(2):
        layer.send("http.request", {"reply_channel": "test.reply!x", "path": "/", "method": "POST"})
    (first,) = layer.take(["http.request"])
    layer.give_back([first])
    deliveries = layer.take(["http.request"], limit=2)
    ids = [Request(Message(one.content, "http.request", layer)).delivery_id for one in deliveries]
    assert first.content.id in ids
    assert len(set(ids)) == 2
    assert all(0 < len(one) <= 64 for one in ids), "a client_id holds 64 characters"


def test_a_request_of_a_layer_without_ids_has_an_empty_one(layer):
    message = {"reply_channel": "test.reply!x", "path": "/", "method": "POST"}
    assert Request(Message(message, "http.request", layer)).delivery_id == ""
