import pytest
from channels import channel_layers
from django.contrib.auth import get_user_model
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from chatapp.identity import GUEST_COOKIE, known_guest
from chatapp.models import ChatMessage, Room


@pytest.fixture
def client(lobby, layer):
    return Client()


def test_the_front_page_lists_rooms(client):
    page = client.get("/")
    assert page.status_code == 200
    assert b"/chat/lobby/" in page.content


def test_the_front_page_leads_to_a_room_by_name(client):
    assert client.get("/?room=fresh")["Location"] == "/chat/fresh/"


def test_an_impossible_room_name_is_explained(client):
    page = client.get("/", {"room": "a b"})
    assert page.status_code == 400
    assert b"letters (a to z)" in page.content


def test_a_rooms_page_gives_a_guest_an_identity(client):
    page = client.get("/chat/lobby/")
    assert page.status_code == 200
    assert known_guest(client.cookies[GUEST_COOKIE].value) is not None
    before = client.cookies[GUEST_COOKIE].value
    client.get("/chat/lobby/")
    assert client.cookies[GUEST_COOKIE].value == before


def test_a_rooms_page_does_not_make_the_room(client):
    assert client.get("/chat/fresh/").status_code == 200
    assert not Room.objects.filter(slug="fresh").exists()


@pytest.mark.parametrize("path", ["/chat/a%20b/", "/chat/%C3%A9/", "/chat/../", "/chat/a/b/"])
def test_an_impossible_room_has_no_page(client, path):
    assert client.get(path).status_code == 404


def test_where_rooms_are_not_open_an_unknown_one_has_no_page(client, settings_override):
    settings_override(CHAT_OPEN_ROOMS=False)
    assert client.get("/chat/fresh/").status_code == 404
    assert client.get("/chat/lobby/").status_code == 200


def test_where_guests_are_not_allowed_a_room_leads_to_the_login(client, settings_override):
    settings_override(CHAT_ALLOW_GUESTS=False)
    assert client.get("/chat/lobby/")["Location"] == "/accounts/login/?next=/chat/lobby/"


def test_one_who_signs_up_is_logged_in_and_gets_where_they_wanted(client):
    form = {"username": "carol", "password1": "a long pass phrase", "password2": "a long pass phrase"}
    response = client.post("/accounts/signup/", {**form, "next": "/chat/lobby/"})
    assert response["Location"] == "/chat/lobby/"
    assert client.session["_auth_user_id"] == str(get_user_model().objects.get(username="carol").pk)


def test_signing_up_leads_to_no_other_site(client):
    form = {"username": "carol", "password1": "a long pass phrase", "password2": "a long pass phrase"}
    assert client.post("/accounts/signup/", {**form, "next": "https://evil.example/"})["Location"] == "/"


@pytest.mark.parametrize("wanted", ["foo", "rooms", "chatapp.views.rooms", "?x", "lobby/"])
def test_where_to_go_after_signing_up_is_a_url_and_no_name_of_a_view(client, wanted):
    """C7: the account was made, and the answer was 500."""
    form = {"username": "carol", "password1": "a long pass phrase", "password2": "a long pass phrase"}
    assert client.post("/accounts/signup/", {**form, "next": wanted})["Location"] == wanted


def test_logging_out_of_the_admin_takes_a_form(client, alice):
    """C7"""
    alice.is_staff = True
    alice.save()
    client.force_login(alice)
    assert client.get("/admin/logout/").status_code == 405
    assert "_auth_user_id" in client.session
    assert client.post("/admin/logout/").status_code == 302
    assert "_auth_user_id" not in client.session


def test_logging_out_takes_a_post(client, alice):
    """A link or an image elsewhere must not log anyone out."""
    client.force_login(alice)
    assert client.get("/accounts/logout/").status_code == 405
    assert client.post("/accounts/logout/").status_code == 302
    assert "_auth_user_id" not in client.session


def test_pages_run_no_inline_script(client):
    page = client.get("/chat/lobby/").content.decode()
    assert "<script>" not in page
    assert "onclick" not in page


def test_pages_allow_no_code_and_no_connection_but_ours(client):
    policy = client.get("/chat/lobby/")["Content-Security-Policy"]
    assert "default-src 'none'; script-src 'self'" in policy
    assert "connect-src 'self' ws://testserver" in policy
    assert "unsafe" not in policy


def test_health_and_readiness_answer(client, layer, monkeypatch):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ok", "workers": [], "interface_servers": []}

    def broken():
        raise ConnectionError

    monkeypatch.setattr("relay.readiness.probe_layer", broken)
    response = client.get("/readyz")
    assert (response.status_code, response.json()["channel_layer"]) == (503, "ConnectionError")
    assert "The channel layer does not answer (ConnectionError)" in response.json()["missing"][0]


def test_readiness_names_who_is_missing_and_what_to_do(client, layer):
    """H4"""
    channels = sorted(channel_layers["default"].router.channels)
    report = {"host": "a", "pid": 1, "threads": 1, "since": 0, "channels": channels[1:]}
    layer.note("worker", "one", report, 60)
    said = client.get("/readyz")
    assert (said.status_code, said.json()["unheard"]) == (503, channels[:1])
    assert said.json()["missing"] == [
        "No worker listens on %s: start one, or look at --only-channels and --exclude-channels of those that run."
        % channels[0]
    ]
    assert "No interface server says that it lives" in said.json()["warnings"][0]
    layer.note("worker", "one", {**report, "channels": channels}, 60)
    layer.note("interface", "web", {"host": "a", "pid": 2, "sockets": 5, "closing": False, "since": 0}, 60)
    said = client.get("/readyz")
    assert (said.status_code, said.json().keys()) == (200, {"status", "workers", "interface_servers"})
    assert said.json()["interface_servers"][0]["sockets"] == 5


def test_readiness_names_migrations_that_are_not_applied(client):
    MigrationRecorder.Migration.objects.filter(app="chatapp", name="0001_initial").delete()
    said = client.get("/readyz")
    assert said.status_code == 503
    assert said.json()["migrations"] == ["chatapp.0001_initial"]
    assert "Run manage.py migrate" in said.json()["missing"][0]


def read_only_on_sqlite(monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)


def read_only_on_postgresql(monkeypatch):
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")


def test_readiness_says_that_the_database_can_only_be_read(client, layer, monkeypatch):
    """P2: it said 200, and nobody could say anything."""
    with monkeypatch.context() as patched:
        {"sqlite": read_only_on_sqlite, "postgresql": read_only_on_postgresql}[connection.vendor](patched)
        said = client.get("/readyz")
    assert (said.status_code, said.json()["database"]) == (503, "ReadOnly")
    assert said.json()["missing"] == [
        "The database is read-only, so what is to be stored waits. After a failover: does DATABASES['default'] name "
        "the server that can be written?"
    ]
    assert client.get("/readyz").status_code == 200, "and looks at it anew each time"


def test_a_message_added_in_the_admin_is_numbered(client, lobby):
    client.force_login(get_user_model().objects.create_superuser("root", "", "correct horse"))
    form = {"room": lobby.pk, "name": "Office", "message": "Lunch is here"}
    assert client.post("/admin/chatapp/chatmessage/add/", form).status_code == 302
    row = ChatMessage.objects.get()
    assert (row.seq, row.name) == (1, "Office")
    assert client.get("/admin/chatapp/chatmessage/").status_code == 200


def test_a_room_is_deleted_in_the_admin_with_its_messages_which_are_not_deleted_alone(client, lobby):
    client.force_login(get_user_model().objects.create_superuser("root", "", "correct horse"))
    row = ChatMessage.objects.create(room=lobby, message="x")
    assert client.post("/admin/chatapp/chatmessage/%d/delete/" % row.pk, {"post": "yes"}).status_code == 403
    assert client.post("/admin/chatapp/room/%d/delete/" % lobby.pk, {"post": "yes"}).status_code == 302
    assert not Room.objects.exists()


def test_a_login_that_leads_to_itself_is_no_error(client, alice):
    client.force_login(alice)
    assert client.get("/accounts/login/?next=/accounts/login/").status_code == 200


def test_a_session_cookie_that_cannot_be_makes_a_visitor(client):
    client.cookies["sessionid"] = "aaaaaaaa\0bbb"
    assert client.get("/").status_code == 200


def test_a_room_made_in_the_admin_must_have_a_name_that_can_be(client):
    client.force_login(get_user_model().objects.create_superuser("root", "", "correct horse"))
    page = client.post("/admin/chatapp/room/add/", {"slug": "a b", "title": ""})
    assert b"letters (a to z)" in page.content
    assert not Room.objects.filter(slug="a b").exists()
