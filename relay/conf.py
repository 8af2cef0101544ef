"""
Every tunable of relay, read from Django settings as `RELAY_<NAME>`.

Each constant below is the default; `get("KEEPALIVE_INTERVAL")` is the value in force.
"""

from typing import Any

from django.conf import settings

#: Bytes of a message that are kept free for everything but a request's body. This is not a setting.
ROOM_FOR_HEADERS = 128 * 1024

#: Seconds between two `websocket.keepalive` messages of one open socket. 0: none are sent.
KEEPALIVE_INTERVAL = 20

#: Bytes of one WebSocket message from a client; a larger one closes its socket with 1009. 0: no limit.
MAX_MESSAGE_BYTES = 1024 * 1024

#: Bytes of the body of an HTTP request; a larger one is answered 413. Django's own limit is the same by default, but
#: Channels 1.x does not heed it (E1).
MAX_BODY_BYTES = 2621440

#: Bytes of a request's body that go to a worker with the request. A longer one waits in a file of the interface server,
#: and the worker fetches it. Channels' own worker can't: where such workers are, as much as MAX_BODY_BYTES.
INLINE_BODY_BYTES = 1024 * 1024

#: Seconds for which a client may read nothing of a long response; then it is cut off.
READ_TIMEOUT = 60.0

#: Frames a second that one socket may send in the long run, and how many at once after a silence. Beyond that it is not
#: read for a while. A rate of 0: no limit.
FRAME_RATE = 50
FRAME_BURST = 25

#: Bytes that may wait for a socket that does not read, beside what the kernel buffers; then it is closed with 1013.
#: Four times as much if it is for less than a second: a page of history is read faster than that.
MAX_UNSENT_BYTES = 1024 * 1024

#: Bytes that may wait in an interface server for a channel layer that is away or full. Then sockets are not read, and
#: requests and handshakes are answered 503.
MAX_WAITING_BYTES = 64 * 1024 * 1024

#: Sockets of one interface server; more are answered 503. 0: no limit but the system's (`ulimit -n`).
MAX_SOCKETS = 0

#: Connections of one interface server, sockets among them; more are answered 503 at once. 0: no limit. None: what the
#: system's limit on descriptors (`ulimit -n`) leaves beside the server's own.
MAX_CONNECTIONS: int | None = None

#: Seconds in which the head of a request or a handshake must have come, counted from its first byte or, when it is a
#: connection's first, from the beginning. 0: any time.
REQUEST_TIMEOUT = 20.0

#: Bytes a second of a request's body, on the average of each such time. 0: as slowly as it likes, with pauses of less
#: than a minute.
MIN_BODY_RATE = 500

#: Origins of other pages that may open sockets here, as browsers send them: `https://chat.example.com`. Pages of this
#: server itself may, by the Host header; "*" lets any.
ALLOWED_ORIGINS: list[str] = []

#: Text of the frame that each socket gets when its server goes away, before it is closed with 1012. `%(after).1f`, or
#: alike, stands for the seconds after which it should come back. None: no frame.
RECONNECT_TEXT = None

#: Seconds after which the first sockets should come back, and how many a second.
RECONNECT_AFTER = 1.0
RECONNECT_RATE = 100.0

#: Dotted paths of functions that each interface server runs beside itself, in threads: `relay.companions`.
COMPANIONS: list[str] = []

#: Seconds that an interface server or a worker takes at most to end when it is told to.
DRAIN_TIMEOUT = 20.0

#: Seconds for which a worker keeps what it can't send because a channel is full. After that the message whose consumer
#: wanted to send it is put back, and handled once more. That does not count as its failure.
SEND_PATIENCE = 30.0

#: Seconds that a consumer may run before others get the messages that wait behind it.
CONSUMER_PATIENCE = 0.5

#: Channel → how often a message is tried there whose consumer raises, before it is a dead letter. Elsewhere as often as
#: the layer's `max_deliveries` says. Yours are added to these: whoever sends from a socket waits for an answer, and
#: what it sends next waits behind it.
ATTEMPTS: dict[str, int] = {"websocket.receive": 1, "websocket.keepalive": 1}

#: Channel → seconds before a message that failed there, or whose consumer raised ConsumeLater, is tried again: at
#: first, doubled each time, and at most. For what depends on others, such as mail servers. Elsewhere they are those of
#: REST. Yours are added to these.
RESTS: dict[str, tuple[float, float]] = {
    "websocket.connect": (0.05, 0.2),
    "websocket.receive": (0.05, 0.2),
    "websocket.keepalive": (0.05, 0.2),
}
REST = (0.1, 2.0)

#: Seconds for which a message is tried again, without counting it as its failure, when its consumer meets locks,
#: deadlocks, time limits or broken connections of a database. After that it counts: what never ends in time would
#: otherwise stop its lane for ever. A database that is away, full or read-only is waited for without a limit.
DATABASE_PATIENCE = 600.0

#: Seconds after which a consumer that still runs is named in the log; and between two such lines.
SLOW_CONSUMER = 30.0

#: What `/metrics` wants to be shown: `Authorization: Bearer <token>`. Empty: only this machine itself may read it.
METRICS_TOKEN = ""

#: Dotted paths of classes without arguments whose objects are prometheus_client collectors: for what is the same
#: whoever asks, and is asked once for each scrape of `/metrics`, such as a count in the database.
SCRAPED: list[str] = []

#: Seconds after which the turn of a crashed `linearize` holder ends. A living holder renews it three times as often.
TURN_LEASE = 10.0

#: Seconds that messages waiting for their turn are kept if nobody ever comes for them.
TURN_EXPIRY = 3600


def get(name: str) -> Any:
    """The value of the tunable `name`: the Django setting `RELAY_<name>`, else the default above."""
    return getattr(settings, "RELAY_" + name, globals()[name])


def per_channel(name: str, channel: str, default: Any) -> Any:
    """The value for a channel of a tunable that is a table: what the settings say is added to what stands above."""
    return {**globals()[name], **get(name)}.get(channel, default)
