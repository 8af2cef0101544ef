"""
The keys that relay keeps in Redis: which there are, of what type, and who writes them.

They begin with the layer's prefix and the version of this schema, so that two releases which keep different things can
share a Redis while one takes the other's place: neither sees the other's messages.

| key | type | what | written by |
|---|---|---|---|
| `lane:<lane>` | list | the messages of a lane, oldest first | sends, acknowledgements |
| `ready:<channel>` | list | lanes that nobody holds and whose first message is for the channel | both |
| `bell:<channel>` | list | one element wakes one reader that waits for the channel | whoever makes a lane ready |
| `held:<reader>` | hash | lane → which take of the reader leased it, and how many messages | takes, acknowledgements |
| `taken:<reader>` | string, 10 min | the number of the reader's last take | takes |
| `sender:<sender>` | string, 10 min | the last call of a sending thread | sends |
| `group:<group>` | hash, group expiry | interface process → its members' key, its queue | group_add, group_discard |
| `members:<group>:<process>` | sorted set, group expiry | channels, by the end of their membership | the same |
| `readers`, `processes` | sorted set | who lives, by when that must be renewed | beats |
| `waiting`, `sent`, `full`, `expired`, `dead` | hash | counts per channel | all |
| `letters` | hash | dead letters by message id | bury, retry, discard |
| `tries` | hash | failed deliveries by message id | sweeps, give_back |
| `bells` | hash | who waits for a channel listens there | takes |
| `delayed` | sorted set | lanes that rest, by when they may be taken | give_back |
| `workers`, `interfaces`, `samples` | hash | what each process says of itself, and until when it holds | it itself |
| `epoch` | string | made up anew when the server has lost its data | beats |
| `deployment` | string, 3 leases | the identity of the deployment that has the prefix | claims, beats, releases |
| `swept` | string | the time of the last sweep | sweeps |

`turn:<reply channel>` and `line:<reply channel>`, without a version, belong to `relay.turns`.
"""

import re

#: Change it with whatever makes two releases misread one another.
VERSION = "1"

#: The keys that every script is given first, in this order (`lua/include/lane.lua`).
SHARED = (
    "readers",
    "processes",
    "waiting",
    "sent",
    "full",
    "expired",
    "dead",
    "letters",
    "tries",
    "bells",
    "delayed",
)


class Keys:
    """The keys of a layer with this prefix. Records are read by their blanks, channels by their ! and ?: ValueError."""

    def __init__(self, prefix: str):
        if not re.fullmatch(r"[^\s!?]+", prefix):
            raise ValueError("The layer's prefix %r must not be empty, or hold whitespace, ! or ?" % prefix)
        self.root = "%s%s:" % (prefix, VERSION)
        self.shared = tuple(self.root + name for name in SHARED)
        self.letters = self.root + "letters"
        self.epoch = self.root + "epoch"
        self.deployment = self.root + "deployment"
        self.swept = self.root + "swept"
        self._ready = self.root + "ready:"
        self._lane = self.root + "lane:"

    def lane(self, lane: str) -> str:
        return self._lane + lane

    def lane_of(self, key: str) -> str:
        """The lane with this key."""
        return key[len(self._lane) :]

    def ready(self, channel: str) -> str:
        return self._ready + channel

    def channel_of(self, ready: str) -> str:
        """The channel with this ready-list; what has none of its own, such as letters that can't be read, as it is."""
        return ready.removeprefix(self._ready)

    def bell(self, channel: str) -> str:
        return self.root + "bell:" + channel

    def held(self, reader: str) -> str:
        return self.root + "held:" + reader

    def taken(self, reader: str) -> str:
        return self.root + "taken:" + reader

    def sender(self, sender: str) -> str:
        return self.root + "sender:" + sender

    def notes(self, kind: str) -> str:
        """Where processes of a kind say what they say of themselves."""
        return "%s%ss" % (self.root, kind)

    def group(self, group: str) -> str:
        return self.root + "group:" + group

    def members(self, group: str, process: str) -> str:
        return "%smembers:%s:%s" % (self.root, group, process)
