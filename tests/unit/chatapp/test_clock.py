"""The clock that all processes share."""

from datetime import timedelta

import pytest
from django.utils import timezone

from chatapp import clock, ledger, sweeper, tokens
from chatapp.exceptions import ClientError
from chatapp.identity import Sender
from chatapp.models import ChatMessage, Grant, Presence
from tests.chat import Socket

HOUR, MOMENT = timedelta(hours=1), timedelta(milliseconds=1)


@pytest.fixture
def monotonic(monkeypatch):
    """A monotonic clock that the test moves: `monotonic[0] += seconds`."""
    moment = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: moment[0])
    return moment


def test_it_shows_what_the_database_shows(database):
    before, shown, after = timezone.now(), clock.Clock().now(), timezone.now()
    assert before - MOMENT <= shown <= after + MOMENT


def test_it_goes_on_by_itself_and_asks_the_database_now_and_then(monkeypatch, monotonic):
    shown = [timezone.now()]
    monkeypatch.setattr(clock, "database_time", lambda: shown[0])
    ours = clock.Clock()
    began = ours.now()
    shown[0] += timedelta(seconds=1000)
    monotonic[0] += clock.LOOK - 1
    assert ours.now() == began + timedelta(seconds=clock.LOOK - 1)
    monotonic[0] += 1
    assert ours.now() == shown[0]


def test_a_jump_is_told_of(monkeypatch, monotonic, caplog):
    shown = [timezone.now()]
    monkeypatch.setattr(clock, "database_time", lambda: shown[0])
    ours = clock.Clock()
    ours.now()
    monotonic[0] += 100
    shown[0] += timedelta(seconds=100 + clock.JUMP)
    ours.now()
    assert (ours.jumped_at, caplog.text) == (1000, "")
    monotonic[0] += 100
    shown[0] -= HOUR
    ours.now()
    assert ours.jumped_at == 1200
    assert "jumped by -3700 s" in caplog.text


def test_a_database_that_answers_late_has_not_jumped(monkeypatch, monotonic, caplog):
    shown, late = [timezone.now()], [0] + [30] * clock.LOOKS + [0]

    def database_time():
        seconds = late.pop()
        monotonic[0] += seconds
        shown[0] += timedelta(seconds=seconds)
        return shown[0]

    monkeypatch.setattr(clock, "database_time", database_time)
    ours = clock.Clock()
    while late:
        assert ours.now() == shown[0], "not ahead by what it took"
        monotonic[0] += 10
        shown[0] += timedelta(seconds=10)
    assert (ours.jumped_at, caplog.text) == (1000, "")


def test_of_answers_that_come_late_the_one_that_took_shortest_is_believed(monkeypatch, monotonic):
    """Else this process would be behind the others by what it took, until the next look."""
    began = timezone.now()
    late = [2, 1, 3]

    def database_time():
        shown = began + timedelta(seconds=monotonic[0] - 1000)
        monotonic[0] += late.pop()
        return shown

    monkeypatch.setattr(clock, "database_time", database_time)
    assert clock.Clock().now() == began + timedelta(seconds=3 + 1 + 2 - 1)
    assert late == []


@pytest.fixture
def wrong(monkeypatch):
    """A function that puts this process's own clock wrong. The database's stays right, as PostgreSQL's does."""
    right = timezone.now
    monkeypatch.setattr(clock, "clock", clock.Clock())
    monkeypatch.setattr(clock, "database_time", right)
    return lambda by: monkeypatch.setattr("django.utils.timezone.now", lambda: right() + by)


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_a_token_is_good_for_as_long_whatever_a_workers_own_clock_shows(database, alice, wrong, by):
    wrong(by)
    grant = Grant.objects.create(user=alice, password_mark=alice.get_session_auth_hash())
    _, ends = tokens.read(tokens.make(grant, tokens.ACCESS), tokens.ACCESS)
    assert timedelta(seconds=290) < ends - clock.database_time() < timedelta(seconds=301)


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_who_is_here_does_not_depend_on_a_workers_own_clock(lobby, layer, wrong, by):
    Socket(layer)
    wrong(by)
    Socket(layer)
    assert Presence.in_room(lobby).count() == 2
    sweeper.forget_expired()
    assert Presence.objects.count() == 2


@pytest.mark.parametrize("by", [HOUR, -HOUR])
def test_how_fast_somebody_sends_does_not_depend_on_a_workers_own_clock(lobby, wrong, settings_override, by):
    """What was said in the last hour would be counted as said just now; or what was said just now not at all."""
    settings_override(CHAT_RATE_LIMIT=1)
    ann = Sender("guest:1", "Ann")
    for n in range(ledger.RATE_WINDOW):
        ledger.store(lobby, ann, "hi", str(n))
    wrong(by)
    with pytest.raises(ClientError):
        ledger.store(lobby, ann, "hi", "too fast")
    ChatMessage.objects.update(sent=clock.database_time() - timedelta(seconds=ledger.RATE_WINDOW + 1))
    row, _ = ledger.store(lobby, ann, "hi", "later")
    assert abs(row.sent - clock.database_time()) < timedelta(seconds=5)


def test_nobody_is_forgotten_until_everybody_had_the_time_to_be_heard_of(lobby, layer, monkeypatch, monotonic):
    """After a jump, and while nobody is heard of at all: then it is the layer or the workers that are away."""
    began = timezone.now()
    monkeypatch.setattr(clock, "database_time", lambda: began + timedelta(seconds=monotonic[0] - 1000))
    monkeypatch.setattr(clock, "clock", clock.Clock())
    monkeypatch.setattr(sweeper, "doubt", sweeper.Doubt())
    Socket(layer)
    expiry = Presence.expiry().total_seconds()

    def count_after(seconds):
        monotonic[0] += seconds
        sweeper.forget_if_certain()
        return Presence.objects.count()

    Presence.objects.update(seen=timezone.now() - HOUR)
    assert count_after(expiry) == 1, "nobody was heard of lately"
    alive = Socket(layer)
    assert count_after(expiry - 1) == 2, "the others may just be about to be"
    Presence.renew(alive.channel)
    assert count_after(2) == 1
