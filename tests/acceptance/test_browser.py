"""The page in a real Chromium, with two windows, against the Procfile's processes."""

import os
import signal
from functools import partial
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import Page, expect

from chatapp.models import ChatMessage, Room
from chatapp.notifications.models import Notification
from tests.acceptance.browsers import needs_chromium, windows
from tests.chat import log_in
from tests.waiting import FACTOR, wait_until

DESKTOP = {"width": 1000, "height": 700}
PHONE = {"width": 360, "height": 740}
#: Milliseconds that the page may take.
PATIENCE = 15_000 * FACTOR

pytestmark = [
    needs_chromium,
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
    pytest.mark.usefixtures("database"),
]


@pytest.fixture
def chat(deployment):
    # What several workers do is tested without a browser, at less cost.
    return deployment().start_all(workers=1)


@pytest.fixture
def window(browser, chat):
    """A function that opens a window of its own, as another person has it; it fails the test on any script error."""
    with windows(browser, chat, PATIENCE) as (open_window, _):
        yield lambda path="/chat/lobby/", size=DESKTOP, **options: open_window(path, viewport=size, **options)


def connected(page: Page) -> Page:
    expect(page.get_by_test_id("state")).to_have_attribute("data-state", "connected")
    return page


def say(page: Page, text: str) -> None:
    page.get_by_test_id("composer").fill(text)
    page.get_by_test_id("composer").press("Enter")


def line(page: Page, text: str) -> Any:
    return page.get_by_test_id("log").locator("[data-client-id], [data-seq]").filter(has_text=text)


#: Notes what the page says of its connection: some of it for a second only.
WATCH = """() => {
    const state = document.querySelector('[data-testid=state]');
    window.states = [];
    new MutationObserver(() => window.states.push(state.textContent))
        .observe(state, {childList: true, characterData: true, subtree: true});
}"""


def picture(page: Page, name: str) -> None:
    """Keep a screenshot to look at, if PICTURES names a folder."""
    if os.environ.get("PICTURES"):
        page.screenshot(path=os.path.join(os.environ["PICTURES"], name + ".png"))


def test_two_windows_chat(window):
    ann, ben = connected(window()), connected(window(size=PHONE, color_scheme="dark"))
    say(ann, "Hello from the first window")
    expect(line(ben, "Hello from the first window")).to_have_attribute("data-seq", "1")
    say(ben, "And hello from the second")
    expect(line(ann, "And hello from the second")).to_have_attribute("data-seq", "2")
    expect(line(ann, "Hello from the first window")).to_have_attribute("data-state", "sent")
    expect(ann.get_by_test_id("present")).to_have_text("2")
    say(ann, "/roll 2d6")
    expect(line(ben, "rolls 2d6")).to_be_visible()
    picture(ann, "room-desktop")
    picture(ben, "room-phone-dark")


def test_markup_in_a_message_stays_text(window):
    ann, ben = connected(window()), connected(window())
    say(ann, "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>")
    expect(line(ben, "<img src=x onerror=")).to_be_visible()
    assert ben.locator("[data-testid=log] img").count() == 0
    assert "owned" not in ben.title()


def test_what_was_written_while_the_server_was_away_is_sent_when_it_is_back_even_after_a_reload(window, chat):
    ann, ben = connected(window()), connected(window())
    chat.signal_web(signal.SIGKILL)
    chat.web_ended()
    expect(ann.get_by_test_id("state")).to_have_attribute("data-state", "offline")
    say(ann, "written offline")
    expect(line(ann, "written offline")).to_have_attribute("data-state", "sending")
    picture(ann, "room-offline")
    chat.replace_web()
    ann.reload()
    connected(ann)
    expect(line(ann, "written offline")).to_have_attribute("data-state", "sent")
    expect(line(ben, "written offline")).to_have_attribute("data-seq", "1")
    assert ChatMessage.objects.count() == 1


def test_a_server_that_restarts_says_so_and_the_windows_come_back_by_themselves(window, chat):
    """D13"""
    ann, ben = connected(window()), connected(window(size=PHONE))
    say(ann, "before")
    expect(line(ben, "before")).to_have_attribute("data-seq", "1")
    for page in (ann, ben):
        page.evaluate(WATCH)
    chat.signal_web(signal.SIGTERM)
    for page in (ben, ann):
        said = partial(page.evaluate, "window.states.some(text => text.includes('server restarting'))")
        wait_until(said, "the page says why it is off")
    picture(ben, "room-phone-restarting")
    assert chat.web_ended() == 0
    chat.replace_web()
    say(connected(ann), "after")
    expect(line(connected(ben), "after")).to_have_attribute("data-seq", "2")


def test_a_window_that_was_cut_off_resumes_where_it_was(window):
    ann, ben = connected(window()), connected(window())
    say(ann, "before")
    expect(line(ben, "before")).to_be_visible()
    ben.context.set_offline(True)
    ben.evaluate("dispatchEvent(new Event('offline'))")
    for n in range(3):
        say(ann, "missed %d" % n)
    expect(line(ann, "missed 2")).to_have_attribute("data-state", "sent")
    ben.context.set_offline(False)
    for n in range(3):
        expect(line(ben, "missed %d" % n)).to_have_count(1)


def test_older_messages_are_fetched_upwards(window):
    room = Room.objects.create(slug="lobby", title="Lobby")
    for n in range(120):
        ChatMessage.objects.create(room=room, message="old %d." % n)
    wait_until(lambda: Room.objects.get().announced == 120, "all are broadcast")
    page = connected(window())
    expect(line(page, "old 119.")).to_be_visible()
    assert line(page, "old 5.").count() == 0
    while line(page, "old 5.").count() == 0:
        page.get_by_test_id("log").evaluate("log => { log.scrollTop = 0 }")
        page.wait_for_timeout(50)
    seqs = page.evaluate("[...document.querySelectorAll('[data-testid=log] [data-seq]')].map(e => +e.dataset.seq)")
    assert seqs == sorted(set(seqs))


def test_a_refused_message_says_so_and_can_be_sent_again_or_thrown_away(window, chat):
    page = connected(window())
    say(page, "/name " + "x" * 50)
    refused = line(page, "/name xxx")
    expect(refused).to_have_attribute("data-state", "failed")
    picture(page, "room-refused")
    refused.get_by_test_id("retry").click()
    expect(refused).to_have_attribute("data-state", "failed")
    refused.get_by_test_id("discard").click()
    expect(refused).to_have_count(0)


def test_one_can_chat_by_keyboard_alone(window):
    page = window("/")
    while page.evaluate("document.activeElement.id") != "room":
        page.keyboard.press("Tab")
    page.keyboard.type("keys")
    page.keyboard.press("Enter")
    page.wait_for_url("**/chat/keys/")
    connected(page)
    page.get_by_test_id("composer").focus()
    page.keyboard.type("first line")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("second line")
    page.keyboard.press("Enter")
    expect(line(page, "second line")).to_have_attribute("data-state", "sent")
    assert ChatMessage.objects.get().message == "first line\nsecond line"


def test_signing_up_chatting_and_logging_out_in_another_tab(window, chat):
    page = window("/accounts/signup/?next=/chat/lobby/")
    picture(page, "signup")
    for field, value in (
        ("username", "alice"),
        ("password1", "a long pass phrase"),
        ("password2", "a long pass phrase"),
    ):
        page.locator("#id_" + field).fill(value)
    page.locator("main button").first.click()
    page.wait_for_url("**/chat/lobby/")
    connected(page)
    say(page, "hello")
    expect(line(page, "hello")).to_have_attribute("data-state", "sent")
    assert ChatMessage.objects.get().name == "alice"
    tab = page.context.new_page()
    tab.goto(chat.origin + "/")
    picture(tab, "rooms")
    tab.get_by_role("button", name="Log out").click()
    expect(page.get_by_test_id("banner")).to_contain_text("logged out")
    picture(page, "logged-out")
    login = window("/accounts/login/", size=PHONE)
    picture(login, "login-phone")


def test_an_impossible_room_name_is_explained(window):
    page = window("/?room=a%20b")
    expect(page.get_by_text("letters (a to z)")).to_be_visible()
    picture(page, "rooms-error")


def test_nothing_is_wider_than_a_small_phone(window):
    for path in ("/", "/chat/lobby/", "/accounts/login/", "/accounts/signup/", "/no-such-page"):
        page = window(path, size={"width": 320, "height": 600})
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, path
    picture(page, "404-phone")


def logged_in(page: Page, chat: Any, user: Any) -> Page:
    """The window is this user's now, and shows the same page."""
    page.context.add_cookies([{"name": "sessionid", "value": log_in(user), "url": chat.origin}])
    page.reload()
    return page


def test_a_mention_reaches_every_tab_and_the_laptop_on_return_and_is_read_everywhere(window, chat, alice, bob):
    """One tab in another room, one on a phone among the rooms; the laptop is closed."""
    tab = connected(logged_in(window("/chat/other/"), chat, bob))
    phone = logged_in(window("/", PHONE), chat, bob)
    laptop = connected(logged_in(window("/chat/quiet/"), chat, bob))
    laptop.goto("about:blank")
    speaker = connected(logged_in(window(), chat, alice))
    say(speaker, "Lunch, @bob?")
    for page in (tab, phone):
        expect(page.get_by_test_id("unread")).to_have_text("1")
        page.get_by_role("button", name="1 unread notification").click()
        expect(page.locator("[data-notification]")).to_contain_text("alice mentioned you in lobby: Lunch, @bob?")
    picture(tab, "notified")
    picture(phone, "notified-on-a-phone")
    tab.keyboard.press("Escape")
    expect(tab.locator("#notifications")).to_be_hidden()
    laptop.set_viewport_size(PHONE)
    laptop.go_back()
    expect(laptop.get_by_test_id("unread")).to_have_text("1")
    phone.get_by_test_id("read-all").click()
    for page in (tab, phone, laptop):
        expect(page.get_by_test_id("unread")).to_be_hidden()
    say(speaker, "@bob, hello?")
    expect(tab.get_by_test_id("unread")).to_have_text("1")
    laptop.get_by_role("button", name="1 unread notification").click()
    picture(laptop, "notified-in-a-room-on-a-phone")
    laptop.locator("[data-notification]").first.click()
    expect(line(laptop, "@bob, hello?")).to_be_visible()
    for page in (tab, phone, laptop):
        expect(page.get_by_test_id("unread")).to_be_hidden()
    say(speaker, "@bob sees this at once")
    tab.get_by_role("button", name="Notifications").click()
    expect(tab.locator("[data-notification]:not(.fresh)")).to_have_count(3)
    assert Notification.objects.filter(user=bob, read=None).count() == 0


def test_guests_are_marked_as_such_in_messages_among_those_who_are_here_and_while_they_type(window, chat, alice):
    """C2"""
    guest = connected(window(size=PHONE, color_scheme="dark"))
    member = connected(logged_in(window(), chat, alice))
    say(guest, "/name Zora")
    expect(guest.locator("#me")).to_have_text("Zora")
    say(guest, "I am a guest")
    say(member, "I have an account")
    expect(line(member, "I am a guest").locator(".head")).to_have_text("Zora guest")
    expect(line(guest, "I have an account").locator(".head")).to_have_text("alice")
    guest.get_by_test_id("composer").press_sequentially("and")
    expect(member.locator("#typing")).to_have_text("Zora (guest) is typing…")
    for page in (guest, member):
        page.get_by_test_id("present").click()
        # As a screen reader has it, too.
        people = page.locator("#people").get_by_role("listitem")
        expect(people.filter(has_text="Zora")).to_have_text("Zora guest")
        expect(people.filter(has_text="alice")).to_have_text("alice")
    picture(member, "guests-are-marked")
    picture(guest, "guests-are-marked-phone-dark")
    get_user_model().objects.create_user("ZORA")
    say(guest, "Am I still Zora?")
    expect(guest.locator("#me")).to_contain_text("guest-")
    expect(line(guest, "Am I still Zora?")).to_have_attribute("data-state", "sent")
    expect(guest.get_by_test_id("log").get_by_text("Guests can't be called Zora any more.")).to_be_visible()
    picture(guest, "guest-is-renamed")
