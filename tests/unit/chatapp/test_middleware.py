"""What browsers are told, and who sees the admin."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from chatapp.middleware import HEADERS

PATHS = ["/", "/chat/lobby/", "/accounts/login/", "/accounts/signup/", "/admin/login/", "/no-such-page", "/healthz"]


@pytest.fixture
def database_url(sqlite_url):
    return sqlite_url


@pytest.fixture
def client(lobby, layer):
    return Client()


@pytest.fixture
def root(client):
    user = get_user_model().objects.create_superuser("root", "", "correct horse")
    client.force_login(user)
    return user


@pytest.mark.parametrize("path", [*PATHS, "/api/rooms/lobby/messages"])
def test_every_answer_tells_the_browser_to_be_strict(client, path):
    """G12"""
    answer = client.get(path)
    told = {name: answer[name] for name in HEADERS}
    assert "no-store" in told["Cache-Control"]
    assert told == {**HEADERS, "Cache-Control": told["Cache-Control"]}
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert "default-src 'none'; script-src 'self'" in answer["Content-Security-Policy"]
    assert "script-src 'self';" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/admin/", "/admin/auth/user/", "/admin/chatapp/chatmessage/add/"])
def test_the_admin_runs_no_inline_script_either(client, root, path):
    page = client.get(path)
    assert "'unsafe-inline'" not in page["Content-Security-Policy"].replace("style-src-attr 'unsafe-inline'", "")
    assert b"<script>" not in page.content
    assert b" onclick=" not in page.content


def test_the_admins_rules_hold_wherever_the_site_is_mounted(client, root, settings_override):
    settings_override(CHAT_ADMIN_NETWORKS=["10.0.0.0/8"])
    mounted = {"SCRIPT_NAME": "/parley"}
    assert client.get("/admin/auth/user/", REMOTE_ADDR="8.8.8.8", **mounted).status_code == 404
    page = client.get("/admin/auth/user/", REMOTE_ADDR="10.0.0.1", **mounted)
    assert page.wsgi_request.path == "/parley/admin/auth/user/"
    assert "style-src-attr" in page["Content-Security-Policy"]


def test_cookies_are_nobodys_but_the_browsers(client, alice):
    client.get("/accounts/login/")
    client.post("/accounts/login/", {"username": "alice", "password": "correct horse"})
    for name in ("sessionid", "csrftoken"):
        assert client.cookies[name]["httponly"], name
        assert client.cookies[name]["samesite"] == "Lax"
        assert not client.cookies[name]["secure"], "plain http on this machine must work"


def test_what_a_guest_is_called_goes_by_tls_where_the_page_came_so(client):
    client.get("/chat/lobby/")
    assert not client.cookies["guest"]["secure"]
    secure = Client()
    secure.get("/chat/lobby/", secure=True)
    assert secure.cookies["guest"]["secure"]


@pytest.mark.parametrize(
    ("networks", "address", "status"),
    [
        ([], "203.0.113.7", 302),
        (["10.0.0.0/8"], "10.1.2.3", 302),
        (["10.0.0.0/8"], "::ffff:10.1.2.3", 302),
        (["10.0.0.0/8", "203.0.113.7"], "203.0.113.7", 302),
        (["10.0.0.0/8"], "203.0.113.7", 404),
        (["10.0.0.0/8"], "", 404),
    ],
)
def test_the_admin_is_there_for_its_networks(client, settings_override, networks, address, status):
    settings_override(CHAT_ADMIN_NETWORKS=networks)
    assert client.get("/admin/", REMOTE_ADDR=address).status_code == status
    assert client.get("/", REMOTE_ADDR=address).status_code == 200
