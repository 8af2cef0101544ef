"""Parley below a path, beside other sites of its host: through nginx, in a real browser."""

import re

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import expect

from chatapp.models import Membership, Room
from chatapp.notifications.models import Notification
from tests.acceptance.browsers import needs_chromium, windows
from tests.acceptance.test_browser import PATIENCE, connected, line, say
from tests.deploy.fronts import NginxWithPrefix, needs_nginx
from tests.deploy.stacks import Stack
from tests.waiting import wait_until

pytestmark = [
    needs_chromium,
    needs_nginx,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("database"),
]


@pytest.fixture
def chat(tmp_path, database_url, redis_url, redis_prefix):
    settings = {"ALLOWED_HOSTS": "localhost,127.0.0.1", "CHAT_URL": "https://localhost/talk"}
    stack = Stack(tmp_path, database_url, redis_url, redis_prefix, **settings)
    yield stack.start_units(webs=1, workers=1).behind(NginxWithPrefix)
    stack.stop()


@pytest.fixture
def visit(browser, chat):
    """A function that opens a window at a path of this host; it fails the test on anything that is not below /talk."""
    asked = []

    def watch(page):
        page.on("request", lambda request: asked.append(request.url))
        page.on("websocket", lambda socket: asked.append(socket.url))
        page.on("response", lambda got: errors.append("%d %s" % (got.status, got.url)) if got.status >= 400 else None)

    with windows(browser, chat, PATIENCE) as (open_window, errors):
        yield lambda path: open_window(path, watch)
    assert asked
    assert [url for url in asked if not re.match(r"(https|wss)://localhost:\d+/talk/", url)] == []


def test_all_of_the_site_works_below_a_path(chat, visit):
    """P4: static files, log-in, sockets, links of notifications and cookies knew nothing of it."""
    guest = connected(visit("/talk/chat/lobby/"))
    say(guest, "from a guest")
    expect(line(guest, "from a guest")).to_have_attribute("data-state", "sent")
    assert {cookie["path"] for cookie in guest.context.cookies()} == {"/talk/"}

    user = get_user_model().objects.create_superuser("carol", "", "a long pass phrase")
    Membership.join(Room.objects.get(slug="lobby"), {user.pk})
    carol = visit("/talk/")
    carol.get_by_role("link", name="Log in").click()
    carol.get_by_label("Username").fill("carol")
    carol.get_by_label("Password").fill("a long pass phrase")
    carol.get_by_role("button", name="Log in").click()
    carol.wait_for_url("**/talk/")
    say(guest, "hello @carol")
    wait_until(lambda: Notification.objects.filter(user__username="carol").exists(), "she is notified")
    carol.locator("#bell button").first.click()
    carol.get_by_text("mentioned you").click()
    carol.wait_for_url("**/talk/chat/lobby/")
    expect(line(connected(carol), "hello @carol")).to_be_visible()
    assert {cookie["path"] for cookie in carol.context.cookies()} == {"/talk/"}
    carol.goto(chat.origin + "/talk/dashboard/service/")
    expect(carol.get_by_test_id("state")).to_have_attribute("data-state", "live")
    carol.goto(chat.origin + "/talk/admin/")
    expect(carol.locator("#site-name")).to_be_visible()
    carol.goto(chat.origin + "/talk/")
    carol.get_by_role("button", name="Log out").click()
    carol.wait_for_url("**/talk/")
    expect(carol.get_by_role("link", name="Log in")).to_be_visible()
    for path in ("/", "/chat/lobby/", "/static/chatapp/css/chat.css"):
        assert chat.front.request("GET", path)[0] == 404
    assert chat.front.request("GET", "/talk")[1]["Location"].endswith("/talk/")
