"""What a layer does with the messages of each channel: their order, how long they are kept, and how many may wait."""

import hashlib
import math
from typing import Any

from asgiref.base_layer import BaseChannelLayer

from relay.layers.delivery import Outgoing

#: What a socket sends is handled in its order. Its keepalives, too: one that came after the disconnect would have the
#: dead socket join its groups again (L3).
ORDERING = {
    "websocket.connect": "reply_channel",
    "websocket.receive": "reply_channel",
    "websocket.keepalive": "reply_channel",
    "websocket.disconnect": "reply_channel",
}

#: Whoever was told that a socket is there is told that it is gone, however long that takes (L5).
CHANNEL_EXPIRY = {"websocket.disconnect": None}

#: The part of a channel's capacity that each lane has for itself: what one lane keeps waiting takes no other's (L5).
LANE_SHARE = 10
#: Channels without such parts: whoever is not in yet had better be refused than let wait for too long.
DOORS = {"websocket.connect"}

#: Dead letters that are kept of a channel whose messages expire or come from sockets: clients must not be able to fill
#: the server with what fails. Of what else is durable, all are kept.
LETTERS_LIMIT = 1000

#: What asgi_redis's layers take and a layer that is not on Redis has no use for. It may stay in CONFIG when BACKEND
#: changes (D5); `check` names it (relay.W012).
ONLY_ON_REDIS = {
    "connection_kwargs",
    "hosts",
    "prefix",
    "sentinel_refresh_interval",
    "services",
    "stats_prefix",
    "symmetric_encryption_keys",
}

#: Longer ordering keys are hashed.
LANE_LENGTH_LIMIT = 200


def without_redis(config: dict[str, Any]) -> dict[str, Any]:
    """The part of a layer's CONFIG that means something where there is no Redis."""
    return {name: value for name, value in config.items() if name not in ONLY_ON_REDIS}


def lane_named(key: str, value: str | int) -> str:
    """The lane of messages with this value of this ordering key."""
    text = str(value)
    if len(text) > LANE_LENGTH_LIMIT:
        text = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
    return "%s=%s" % (key, text)


def completed(given: dict[str, Any] | None, defaults: dict[str, Any]) -> dict[str, Any]:
    """What is given, before the defaults that it says nothing about: the first pattern that matches counts."""
    return {**(given or {}), **{key: value for key, value in defaults.items() if key not in (given or {})}}


class Policy(BaseChannelLayer):
    """A part of `LeasingLayer`. `ordering` and `channel_expiry` are tables of compiled patterns."""

    ordering: Any
    channel_expiry: Any
    #: Of channels that have order: how many messages of a lane may wait, however full they are.
    _shares: dict[str, int]

    def lane_of(self, channel: str, message: dict[str, Any]) -> str | None:
        """The lane of a message on this channel. None: it has none, and may be handled beside any other."""
        for pattern, key in self.ordering:
            if pattern.match(channel):
                value = message.get(key) if key else None
                return lane_named(key, value) if isinstance(value, str | int) else None
        return None

    def expiry_of(self, channel: str) -> float | None:
        """Seconds that messages on this channel are kept at most. None: they are durable."""
        for pattern, expiry in self.channel_expiry:
            if pattern.match(channel):
                return expiry
        return self.expiry

    def capacity_of(self, channel: str) -> int:
        return self.get_capacity(self.non_local_name(channel))

    def limits_letters(self, channel: str) -> bool:
        """Whether only so many dead letters of a channel are kept."""
        return self.expiry_of(channel) is not None or channel.startswith("websocket.")

    def has_shares(self, channel: str) -> bool:
        """Whether each lane has a part of this channel's capacity for itself."""
        return self._share(channel) > 0

    def share_of(self, message: Outgoing) -> int:
        """
        How many messages may wait in the lane of this one, however full its channel is. 0: it has no lane that others
        are in, or one that is all that its channel has.
        """
        if message.lane in (message.id, message.channel):
            return 0
        return self._share(message.channel)

    def _share(self, channel: str) -> int:
        """The part of each lane; 0: it has none. Names without order may be countless, and are not remembered."""
        share = self._shares.get(channel)
        if share is None:
            is_ordered = channel not in DOORS and any(key for pattern, key in self.ordering if pattern.match(channel))
            share = math.ceil(self.get_capacity(channel) / LANE_SHARE) if is_ordered else 0
            if is_ordered:
                self._shares[channel] = share
        return share
