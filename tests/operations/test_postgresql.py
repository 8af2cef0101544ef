"""A PostgreSQL that runs, and can't do its work: read-only, without free connections, with locked tables."""

import os
import threading
import time
from collections import Counter

import pytest
from django.db import connection
from playwright.sync_api import expect

from chatapp.models import Presence
from tests.acceptance.browsers import needs_chromium
from tests.acceptance.test_browser import connected, picture, window  # noqa: F401
from tests.outages import exhausted, locked, read_only, visited
from tests.waiting import FACTOR, wait_until

#: Seconds for which it can't.
OUTAGE = float(os.environ.get("TESTS_OUTAGE", "1"))

pytestmark = [
    pytest.mark.parametrize("database_url", ["postgresql"], indirect=True),
    pytest.mark.timeout((200 + 2 * OUTAGE) * FACTOR),
]


class Reader(threading.Thread):
    """Somebody who looks at pages all the time, in a `with`. statuses: what they were answered with."""

    def __init__(self, chat):
        super().__init__(daemon=True)
        self.chat, self.statuses, self.done = chat, Counter(), threading.Event()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *exc_info):
        self.done.set()
        self.join()

    def run(self):
        while not self.done.wait(0.1):
            for path in ("/", "/chat/a/", "/api/rooms/a/messages"):
                self.statuses[self.chat.get(path)[0]] += 1


def check_outage(chat, outage, postgres, report, says):
    """Everything goes on by itself, whoever was there before, or came meanwhile, and nobody is told off."""
    name = connection.settings_dict["NAME"]
    with chat.company().invite("ab") as company, chat.company() as newcomers, Reader(chat) as reader:
        company.silence += OUTAGE
        company.wait_until_talking()
        leaver = chat.socket("/chat/c/")
        leaver.next("welcome")
        company.start_over()
        connection.close()
        with outage(postgres, name):
            leaver.connection.close()
            newcomers.invite("ab", talkers=1, listeners=1)
            if says:
                wait_until(lambda: says in chat.get("/readyz")[1], "it says so")
            time.sleep(OUTAGE)  # So long it can't: this is the trouble, not a wait for something.
            assert not any(newcomer.is_in for newcomer in newcomers.talkers)
        back = time.monotonic()
        whole = company.wait_until_whole(back)
        everybody = newcomers.wait_until_whole(back, 60 + OUTAGE)
        newcomers.talking = False
        report(company, whole=whole, newcomers=everybody)
        newcomers.fall_silent()
    wait_until(lambda: not Presence.objects.filter(room__slug="c").exists(), "who left meanwhile is known to be gone")
    print("pages %s, handshakes refused %s" % (dict(reader.statuses), dict(newcomers.turned_away())))
    assert set(reader.statuses) <= {200, 503}
    assert set(newcomers.turned_away()) == {503}
    assert company.ends() == []
    assert "There are no dead letters" in chat.manage("deadletters", "list")
    assert chat.all_run()
    chat.stop()
    company.check(newcomers)


@pytest.mark.usefixtures("database")
def test_a_read_only_postgresql_makes_no_dead_letters_and_turns_nobody_away_for_good(fleet, postgres, report):
    """P2: chat-messages, keepalives and disconnects were dead letters after 20 s, and /readyz said 200."""
    chat = fleet().start_fleet(webs=1)
    check_outage(chat, read_only, postgres, report, "The database is read-only")
    assert "wait (away): cannot execute" in chat.logs()


@pytest.mark.usefixtures("database")
def test_locked_tables_make_no_dead_letters_and_turn_nobody_away_for_good(fleet, postgres, report):
    """P6: handshakes were answered 403, and pages 500."""
    chat = fleet().start_fleet(webs=1)
    check_outage(chat, locked, postgres, report, "")
    assert "wait (busy): canceling statement due to lock timeout" in chat.logs()


@pytest.fixture
def visitors_url(database, postgres):
    """The URL of the database for a role whose connections may be used up."""
    with visited(postgres, connection.settings_dict["NAME"]) as url:
        yield url


def test_a_postgresql_without_free_connections_makes_no_dead_letters_and_turns_nobody_away_for_good(
    fleet, postgres, visitors_url, report
):
    """P6: handshakes were answered 403, and pages 500."""
    chat = fleet(DATABASE_URL=visitors_url).start_fleet(webs=1)
    check_outage(chat, exhausted, postgres, report, "The database does not answer")
    assert "too many connections" in chat.logs()


@pytest.fixture
def chat(fleet, visitors_url):
    return fleet(DATABASE_URL=visitors_url).start_fleet(webs=1, workers=1)


@needs_chromium
def test_a_browser_that_comes_while_the_database_can_not_be_used_comes_in_by_itself(chat, window, postgres):  # noqa: F811
    """P2, P6: the page's socket after its handshake was refused, and a page that could not be made."""
    name = connection.settings_dict["NAME"]
    connection.close()
    with read_only(postgres, name):
        early = window()
        expect(early.get_by_test_id("state")).to_have_attribute("data-state", "offline")
    connected(early)
    with exhausted(postgres, name):
        late = window()
        expect(late.get_by_role("heading", name="One moment")).to_be_visible()
        picture(late, "unavailable")
    connected(late)
    connected(early)


@pytest.mark.usefixtures("database")
@pytest.mark.parametrize("layer_kind", ["database"], indirect=True)
def test_a_layer_in_a_read_only_postgresql_loses_nothing_and_closes_no_socket(fleet, postgres, report):
    """P2. Frames wait in the interface server, and the layer has new connections when it can write."""
    chat = fleet().start_fleet(webs=1)
    with chat.company().invite("ab") as company:
        company.silence += OUTAGE
        company.wait_until_talking()
        company.start_over()
        name = connection.settings_dict["NAME"]
        connection.close()
        with read_only(postgres, name):
            time.sleep(OUTAGE)  # So long it can't: this is the trouble, not a wait for something.
        report(company, whole=company.wait_until_whole(time.monotonic()))
    assert company.ends() == []
    assert "There are no dead letters" in chat.manage("deadletters", "list")
    assert chat.all_run()
    chat.stop()
    company.check()
