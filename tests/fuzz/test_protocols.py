"""Reading what clients send raises nothing but what they are then told."""

import json
import math
from datetime import UTC
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp import protocol
from chatapp.dashboard import names
from chatapp.dashboard import protocol as dashboard
from chatapp.dashboard.serializers import PostSerializer, first_problem
from chatapp.dashboard.thinning import Point
from chatapp.exceptions import ClientError
from tests.fuzz.strategies import ANY_TEXT, FRAME_TEXTS, FRAMES, JSON_TEXTS, JSON_VALUES, QUERY_VALUES, TEXT, WORDS

ANY_FRAME_TEXT = st.none() | FRAME_TEXTS | JSON_TEXTS | ANY_TEXT | WORDS


def outcome(function, *args):
    """What a function returns, or the ClientError that it raises: nothing else."""
    try:
        return function(*args)
    except ClientError as e:
        error = e
    told = protocol.text(protocol.error_frame(error))["text"].encode("utf-8")
    assert json.loads(told)["code"] == error.code
    return error


def is_storable(text):
    return "\0" not in text and text.encode("utf-8").decode("utf-8") == text


@given(ANY_FRAME_TEXT)
def test_any_frame_means_something_that_can_be_done_or_is_refused(text):
    command = outcome(protocol.decode, text)
    if isinstance(command, protocol.Say):
        assert 0 < len(command.message) <= protocol.MESSAGE_LIMIT
        assert is_storable(command.message)
        assert command.client_id is None or (is_storable(command.client_id) and len(command.client_id) <= 64)
    if isinstance(command, protocol.History):
        assert 1 <= command.limit <= protocol.PAGE_LIMIT
        assert all(number is None or 0 <= number <= 2**62 for number in (command.before, command.since))
    if isinstance(command, protocol.MarkRead):
        assert all(0 <= number < 2**62 for number in command.ids or ())
        assert command.object is None or is_storable(command.object)


@given(FRAMES)
def test_any_object_means_something_or_is_refused(frame):
    outcome(protocol.decode_frame, frame)


CHECKS = [protocol.checked_message, protocol.checked_client_id, protocol.checked_room, protocol.checked_name]
CHECKS += [protocol.checked_number, protocol.decode_read, dashboard.checked_number]
CHECKS += [names.checked_series, names.checked_dashboard, names.writable_series]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@given(JSON_VALUES)
def test_any_value_is_taken_or_refused(check, value):
    found = outcome(check, value)
    if isinstance(found, str):
        assert is_storable(found)
        assert check(found) == found, "what was checked once passes again"


@given(ANY_FRAME_TEXT)
def test_any_frame_of_a_dashboard_asks_for_something_or_is_refused(text):
    wish = outcome(dashboard.decode, text)
    if isinstance(wish, dashboard.Ask):
        assert 0 <= wish.since <= 2**62
        assert names.checked_series(wish.series) == wish.series


@given(st.lists(QUERY_VALUES | ANY_TEXT, max_size=4))
def test_any_since_of_a_dashboard_is_numbers_of_series_or_is_refused(given_since):
    found = outcome(dashboard.decode_since, given_since)
    assert isinstance(found, ClientError) or all(0 <= number <= 2**62 for number in found.values())


@given(JSON_VALUES | FRAMES | st.builds(lambda points: {"points": points}, st.lists(FRAMES, max_size=3)))
def test_any_points_are_numbers_at_times_or_it_is_said_what_is_wrong(data):
    points = PostSerializer(data=data)
    if points.is_valid():
        assert all(math.isfinite(at) and math.isfinite(value) for at, value in points.pairs)
    else:
        assert first_problem(points.errors)


@given(
    st.builds(
        SimpleNamespace,
        id=st.integers(1, 2**63 - 1),
        seq=st.integers(1, 2**63 - 1),
        name=TEXT,
        sender=TEXT,
        message=TEXT,
        sent=st.datetimes(timezones=st.just(UTC)),
        client_id=TEXT,
    )
)
def test_what_is_stored_comes_out_of_a_frame_as_it_went_in(row):
    frame = json.loads(protocol.text(protocol.message_frame("lobby", row))["text"])
    for field in ("id", "seq", "sender", "message", "client_id"):
        assert frame[field] == getattr(row, field)
    assert frame["user"] == row.name
    assert protocol.size(row.message) <= 6 * len(row.message.encode("utf-8")) + 2


@given(st.text(max_size=200), st.none() | st.text(min_size=1, max_size=64))
def test_what_a_client_says_is_what_is_understood(message, client_id):
    understood = outcome(protocol.decode, json.dumps({"message": message, "client_id": client_id}))
    if isinstance(understood, protocol.Say):
        assert understood == (message, client_id)


FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.builds(Point, st.floats(0, 2**33), FLOATS, st.integers(1, 10**6)), max_size=5))
def test_points_come_out_of_a_frame_as_they_went_in(points):
    text = protocol.text(dashboard.points_frame("garden", 0, 9, points))["text"]
    # As browsers do, which take no NaN.
    frame = json.loads(text, parse_constant=pytest.fail)
    assert [point[1:] for point in frame["points"]] == [[point.value, point.stands_for] for point in points]
