"""
How messages lie in Redis: `deadline sent ready-list id target`, a line break, and the body.

Times are milliseconds by the server's clock, with thirteen digits, which scripts compare as they are; a deadline of
nines is none. The server adds the times; scripts read the header and never the body.
"""

from relay.layers.delivery import DeadLetter, Record
from relay.layers.redis.keys import Keys


def rest(ready: str, message_id: str, target: str, body: bytes) -> bytes:
    """A record without the times."""
    return b"%s %s" % (ready.encode("ascii"), tail(message_id, target, body))


def tail(message_id: str, target: str, body: bytes) -> bytes:
    """A record from the id on."""
    return b"%s %s\n%s" % (message_id.encode("ascii"), target.encode("ascii"), body)


def unpack(keys: Keys, raw: bytes, attempts: int) -> Record:
    """The record in these bytes. One whose header can't be read has the target `?`, which nobody can read either."""
    header, _, body = raw.partition(b"\n")
    try:
        _, sent, ready, message_id, target = header.decode("ascii").split(" ", 4)
        return Record(message_id, int(sent) / 1000, keys.channel_of(ready), target, body, attempts)
    except ValueError:
        return Record("", 0, "", "?", b"", attempts)


def unpack_letter(keys: Keys, message_id: bytes, letter: bytes) -> tuple[DeadLetter, bytes]:
    """The dead letter in these bytes, and its body. See `bury` in `lua/include/settle.lua`."""
    lengths, _, texts = letter.partition(b"\n")
    died, attempts, lane_length, reason_length = map(int, lengths.split())
    lane, texts = texts[:lane_length].decode("utf-8", "replace"), texts[lane_length:]
    reason, raw = texts[:reason_length].decode("utf-8", "replace"), texts[reason_length:]
    record = unpack(keys, raw, attempts)
    name = message_id.decode("ascii", "replace")
    return DeadLetter(name, record.channel, keys.lane_of(lane), died / 1000, attempts, reason, None, raw), record.body
