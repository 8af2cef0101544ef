"""The pages, in a real browser."""

import re

import pytest
import requests
from playwright.sync_api import expect

from examples.catalogue import catalogue
from tests.acceptance.browsers import needs_chromium
from tests.examples.servers import new_name
from tests.waiting import FACTOR

pytestmark = needs_chromium

expect.set_options(timeout=10_000 * FACTOR)


@pytest.fixture
def context(browser):
    context = browser.new_context(viewport={"width": 390, "height": 844})
    yield context
    context.close()


def opened(context, url):
    """A page that is connected. What goes wrong in it fails the test."""
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(url)
    expect(page.get_by_role("status").first).to_have_text("connected")
    return page


def test_one_finds_an_example_and_talks_to_oneself_in_two_tabs(context, memory_server):
    index = context.new_page()
    index.goto(memory_server.url("/"))
    titles = [example.title for example in catalogue()]
    assert index.get_by_role("row").get_by_role("link").all_inner_texts() == titles
    index.get_by_role("link", name=re.compile("^Echo")).click()
    expect(index.get_by_role("status")).to_have_text("connected")

    other = opened(context, memory_server.url("/echo/"))
    said = new_name("<b>hello</b> ")
    index.get_by_label("Say something").fill(said)
    index.keyboard.press("Enter")
    for page in (index, other):
        expect(page.get_by_role("log")).to_contain_text(said)
    expect(index.get_by_label("Say something")).to_have_value("")


def test_a_point_that_somebody_posts_is_drawn_without_a_reload(context, memory_server):
    page = opened(context, memory_server.url("/live_chart/"))
    line = page.locator("#line")
    before = line.get_attribute("points")
    for value in (3, 7.25):
        requests.post(memory_server.url("/live_chart/points"), json={"value": value}, timeout=20)
    expect(page.locator("#last")).to_contain_text("Last: 7.25")
    assert line.get_attribute("points") != before
    page.get_by_label("Send a point").fill("much")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Refused: A valid number is required.")


def test_one_logs_in_and_is_notified_of_what_another_says(context, memory_server):
    def logged_in(name):
        page = context.new_page()
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        page.goto(memory_server.url("/notices/%s/" % session))
        page.get_by_label("Name").fill(name)
        page.get_by_label("Password").fill("tall grass 7")
        page.get_by_role("button", name="Make an account").click()
        expect(page.get_by_role("log")).to_contain_text("Welcome, %s." % name)
        return page

    session, anna, bob = new_name("s"), new_name("anna"), new_name("bob")
    first, second = logged_in(anna), logged_in(bob)
    first.get_by_label("Say something").fill("lunch?")
    first.keyboard.press("Enter")
    expect(second.locator("#notices")).to_have_text("%s: lunch?" % anna)
    expect(second.locator("#unread")).to_have_text("1 unread")
    second.get_by_role("button", name="I have read them").click()
    expect(second.locator("#unread")).to_have_text("0 unread")


def test_one_enters_a_room_of_the_tutorial_and_speaks(context, memory_server):
    page = context.new_page()
    page.goto(memory_server.url("/tutorial/"))
    room, said = new_name(), new_name("hi ")
    page.get_by_label("What chat room").fill(room)
    page.keyboard.press("Enter")
    page.wait_for_url("**/tutorial/chat/%s/" % room)
    expect(page.get_by_role("status")).to_have_text("connected")
    other = opened(context, page.url)
    other.get_by_label("Say something").fill(said)
    other.get_by_role("button", name="Send").click()
    expect(page.get_by_role("log")).to_have_text(said)


def test_a_page_says_that_it_is_not_connected_and_comes_back(context, memory_server):
    """The first socket is broken off by a stand-in for the server; the next one gets through."""
    sockets = []

    def stand_in(socket):
        sockets.append(socket)
        if len(sockets) > 1:
            socket.connect_to_server()

    page = context.new_page()
    page.route_web_socket("**/rooms/**", stand_in)
    page.goto(memory_server.url("/rooms/%s/" % new_name()))
    status, field = page.get_by_role("status"), page.get_by_label("Say something")
    expect(status).to_have_text("connected")
    sockets[0].close(code=1012)
    expect(status).to_have_text("not connected")
    field.fill("not lost")
    field.press("Enter")
    expect(field).to_have_value("not lost")
    expect(status).to_have_text("connected")
    field.press("Enter")
    expect(page.get_by_role("log")).to_have_text("not lost")


def test_who_is_refused_is_told_why_and_not_asked_for_again(context, memory_server):
    sockets = []
    page = context.new_page()
    page.on("websocket", lambda socket: sockets.append(socket))
    page.goto(memory_server.url("/rooms/?room=no room"))
    expect(page.get_by_role("log")).to_contain_text("Which room?")
    expect(page.get_by_role("status")).to_have_text("not connected")
    # The page's own next try would come after half a second.
    page.wait_for_function("began => performance.now() > began + 1000", arg=page.evaluate("performance.now()"))
    assert len(sockets) == 1
