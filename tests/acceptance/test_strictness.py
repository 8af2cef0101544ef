"""Cookies, redirects and tickets, with the Procfile's processes and a real browser."""

import socket

import pytest
import requests
from django.contrib.auth import get_user_model
from playwright.sync_api import expect

from tests.acceptance.browsers import needs_chromium
from tests.acceptance.test_browser import PATIENCE, connected, line, say
from tests.chat import log_in
from tests.deployments import procfile

pytestmark = [
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("database"),
]


def test_behind_tls_cookies_go_by_tls_only_and_other_requests_are_sent_there(deployment, alice):
    """By plain http, as `make run` and `make up` have it, logging in is what most other tests begin with."""
    site = deployment(CHAT_URL="https://chat.test", ALLOWED_HOSTS="chat.test,127.0.0.1")
    site.start_all(web=procfile()["web"] + " --proxy-headers", workers=1)
    url = "http://127.0.0.1:%d" % site.port
    by_tls = {"Host": "chat.test", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
    page = requests.get(url + "/accounts/login/", headers=by_tls)
    token = page.cookies["csrftoken"]
    form = {"username": "alice", "password": "correct horse", "csrfmiddlewaretoken": token}
    headers = {**by_tls, "Cookie": "csrftoken=" + token, "Referer": "https://chat.test/accounts/login/"}
    answer = requests.post(url + "/accounts/login/", form, headers=headers, allow_redirects=False)
    assert answer.status_code == 302
    cookies = {cookie.name: cookie for cookie in answer.cookies}
    assert all(cookies[name].secure for name in ("csrftoken", "sessionid"))
    assert answer.headers["Strict-Transport-Security"] == "max-age=2592000"
    plain = requests.get(url + "/accounts/login/", headers={"Host": "chat.test"}, allow_redirects=False)
    assert (plain.status_code, plain.headers["Location"]) == (301, "https://chat.test/accounts/login/")
    assert requests.get(url + "/healthz").status_code == 200


def test_a_proxy_that_adds_ports_or_hides_addresses_gives_nobody_its_own_rights(deployment, alice):
    """S2: the client counted as the proxy, so the admin was open and passwords could be guessed without end."""
    site = deployment(CHAT_ADMIN_NETWORKS="127.0.0.0/8", CHAT_LOGIN_TRIES="5")
    site.start_all(web=procfile()["web"] + " --proxy-headers", workers=1)
    url = "http://127.0.0.1:%d" % site.port

    def admin(address):
        return requests.get(url + "/admin/login/", headers={"X-Forwarded-For": address}).status_code

    foreign = ["203.0.113.7", "203.0.113.7:51008", "[2001:db8::7]:443", "[2001:db8::7]", "unknown", "_hidden", "!"]
    assert {address: admin(address) for address in foreign} == dict.fromkeys(foreign, 404)
    assert admin("127.0.0.1:5") == 200
    assert requests.get(url + "/admin/login/", headers={"Forwarded": "for=127.0.0.1"}).status_code == 404

    def guess(address):
        form = {"username": "alice", "password": "wrong"}
        return requests.post(url + "/api/token", json=form, headers={"X-Forwarded-For": address}).status_code

    assert [guess("203.0.113.7:%d" % port) for port in range(1, 7)] == [401] * 5 + [429]
    assert guess("203.0.113.7") == 429
    assert [guess(address) for address in ("unknown", "_a", "_b", "!", "1.2.3", "unknown")] == [401] * 5 + [429]


def test_a_session_is_found_among_several_cookie_headers(deployment, alice):
    """S8: they were joined with a comma, so the user was taken for a guest."""
    site = deployment().start_all(workers=1)
    cookies = ["theme=dark", "sessionid=" + log_in(alice), "city=Århus"]
    head = "GET /chat/lobby/ HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n" % site.port
    with socket.create_connection(("127.0.0.1", site.port), timeout=30) as connection:
        connection.sendall((head + "".join("Cookie: %s\r\n" % cookie for cookie in cookies) + "\r\n").encode())
        page = b"".join(iter(lambda: connection.recv(65536), b""))
    assert b'<bdi id="me">alice</bdi>' in page
    several = [("Cookie", cookie) for cookie in cookies[:2]]
    with site.socket(additional_headers=several) as chat:
        assert chat.next("welcome")["user"] == "alice"


@needs_chromium
def test_a_page_gets_into_rooms_at_another_host_by_tickets(deployment, browser, alice):
    """F2: no cookie gets there, and no session key is in any URL. And the admin does without inline scripts."""
    site = deployment(CHAT_SESSION_KEY_LOGINS="0")
    site.environment["CHAT_SOCKET_URL"] = "ws://localhost:%d" % site.port
    site.environment["RELAY_ALLOWED_ORIGINS"] = "http://127.0.0.1:%d" % site.port
    site.start_all(workers=1)
    url = "http://127.0.0.1:%d" % site.port
    errors, opened = [], []
    context = browser.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("console", lambda said: errors.append(said.text) if "Content Security Policy" in said.text else None)
    page.on("websocket", lambda socket: opened.append(socket.url))

    page.goto(url + "/chat/lobby/")
    say(connected(page), "from a guest")
    expect(line(page, "from a guest")).to_have_attribute("data-state", "sent")
    guest = page.locator("#me").inner_text()
    page.reload()
    expect(connected(page).locator("#me")).to_have_text(guest)

    root = get_user_model().objects.create_superuser("root", "", "correct horse")
    context.add_cookies([{"name": "sessionid", "value": log_in(root), "url": url}])
    page.goto(url + "/chat/lobby/")
    say(connected(page), "from root")
    expect(line(page, "from root")).to_have_attribute("data-state", "sent")
    expect(page.locator("#me")).to_have_text("root")
    page.reload()
    connected(page)
    assert all(socket.startswith("ws://localhost:") and "session" not in socket for socket in opened)
    assert len({socket for socket in opened if "ticket=" in socket}) == 2

    for path in ("", "auth/user/", "auth/user/add/", "chatapp/room/", "chatapp/chatmessage/add/"):
        page.goto(url + "/admin/" + path)
        expect(page.locator("#site-name")).to_be_visible()
    context.close()
    assert errors == []
