"""How much of a channel's capacity each lane has for itself, and what a layer does unless its options say otherwise."""

import re

import pytest

from relay import scripts
from relay.layers.delivery import Outgoing
from relay.layers.inmemory import ChannelLayer
from relay.layers.policy import LETTERS_LIMIT, completed


def share(layer, channel, lane="reply_channel=web!a"):
    return layer.share_of(Outgoing(channel, lane, "=" + channel, "an-id", b""))


@pytest.mark.parametrize(("capacity", "tenth"), [(0, 0), (1, 1), (9, 1), (10, 1), (11, 2), (100, 10), (1000, 100)])
def test_a_lane_has_a_tenth_of_its_channel_rounded_up(capacity, tenth):
    """L5: of a channel without any capacity it has nothing."""
    layer = ChannelLayer(capacity=capacity)
    for _ in range(2):  # The second time it is known.
        assert share(layer, "websocket.receive") == tenth
        assert layer.has_shares("websocket.receive") == (tenth > 0)


def test_the_capacity_of_a_channel_of_its_own_counts():
    layer = ChannelLayer(capacity=100, channel_capacity={"websocket.re*": 500})
    assert (share(layer, "websocket.receive"), share(layer, "websocket.disconnect")) == (50, 10)


@pytest.mark.parametrize("channel", ["websocket.receive", "websocket.keepalive", "websocket.disconnect", "rooms"])
def test_channels_with_an_order_have_shares(channel):
    layer = ChannelLayer(ordering={"rooms": "room"})
    assert layer.has_shares(channel)
    assert share(layer, channel) == 10


@pytest.mark.parametrize("channel", ["http.request", "work", "daphne.response.a!b", "unordered"])
def test_channels_without_an_order_have_none(channel):
    layer = ChannelLayer(ordering={"unordered": None})
    assert not layer.has_shares(channel)
    assert share(layer, channel) == 0


def test_whoever_is_not_in_yet_has_no_share():
    """Refused at once, a client comes back; let in, it would wait behind all others until it gives up."""
    layer = ChannelLayer()
    assert not layer.has_shares("websocket.connect")
    assert share(layer, "websocket.connect") == 0


@pytest.mark.parametrize("lane", ["an-id", "websocket.receive"])
def test_a_message_that_shares_its_lane_with_no_other_or_with_all_has_no_share(lane):
    """Without its ordering key a message is a lane of its own; an interface process's queue is one lane."""
    assert share(ChannelLayer(), "websocket.receive", lane) == 0


@pytest.mark.parametrize("kind", ["connect", "receive", "keepalive", "disconnect"])
def test_all_that_a_socket_sends_is_in_one_lane(kind):
    """L3: its keepalives, too."""
    assert ChannelLayer().lane_of("websocket." + kind, {"reply_channel": "web!a"}) == "reply_channel=web!a"


def test_disconnects_never_expire_unless_an_option_says_so():
    """L5"""
    layer = ChannelLayer(expiry=1, channel_expiry={"chat-*": 5})
    found = [layer.expiry_of(name) for name in ("websocket.disconnect", "websocket.receive", "chat-messages")]
    assert found == [None, 1, 5]
    assert ChannelLayer(channel_expiry={"websocket.*": 7}).expiry_of("websocket.disconnect") == 7


def test_what_is_given_comes_before_the_defaults():
    found = completed({"web*": 1, "b": None}, {"websocket": 2, "b": 3})
    assert list(found.items()) == [("web*", 1), ("b", None), ("websocket", 2)]
    assert completed(None, {"a": 1}) == {"a": 1}


def test_the_script_that_keeps_dead_letters_knows_how_many():
    """Scripts can't import, so the number stands there again."""
    text = (scripts.FOLDER / "include" / "settle.lua").read_text()
    assert re.findall(r"HGET', dead, .*>= (\d+)", text) == [str(LETTERS_LIMIT)]
