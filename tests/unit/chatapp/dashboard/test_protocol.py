import pytest

from chatapp.dashboard import protocol
from chatapp.dashboard.protocol import Ask, AskDashboard, Ping
from chatapp.dashboard.thinning import Point
from chatapp.exceptions import ClientError


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ('{"type": "ping"}', Ping()),
        ('{"type": "dashboard"}', AskDashboard()),
        ('{"type": "points", "series": "a.b"}', Ask("a.b", 0)),
        ('{"type": "points", "series": "a.b", "since": 7}', Ask("a.b", 7)),
        ('{"type": "points", "series": "a", "since": %d}' % 10**30, Ask("a", 2**62)),
    ],
)
def test_what_frames_ask_for(text, wish):
    assert protocol.decode(text) == wish


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (None, "binary_frame"),
        ("hello", "invalid_json"),
        ("[1]", "invalid_json"),
        ("[" * 100_000, "invalid_json"),
        ("{}", "unknown_type"),
        ('{"type": "message", "message": "hi"}', "unknown_type"),
        ('{"type": "points"}', "invalid_series"),
        ('{"type": "points", "series": "a b"}', "invalid_series"),
        ('{"type": "points", "series": "a", "since": -1}', "invalid_since"),
        ('{"type": "points", "series": "a", "since": true}', "invalid_since"),
        ('{"type": "points", "series": "a", "since": null}', "invalid_since"),
    ],
)
def test_what_is_no_frame_is_refused_with_a_code(text, code):
    with pytest.raises(ClientError) as caught:
        protocol.decode(text)
    assert caught.value.code == code


def test_what_a_client_has_is_told_in_the_query_string():
    assert protocol.decode_since(["a.b:5", "c:0"]) == {"a.b": 5, "c": 0}


@pytest.mark.parametrize("text", ["5", "a:", "a:-1", "a:٣", ":5", "a b:5"])
def test_what_a_client_can_not_have_is_refused(text):
    with pytest.raises(ClientError):
        protocol.decode_since([text])


def test_a_frame_says_how_many_points_it_stands_for():
    frame = protocol.points_frame("a", 3, 9, [Point(1.23456789, 2.0, 4), Point(2.0, 1.0, 2)])
    assert frame["count"] == 6
    assert frame["points"] == [[1.234568, 2.0, 4], [2.0, 1.0, 2]]
