"""
One client's part in a room, by the rules for clients (docs/protocol.md): it keeps what is not acknowledged and says it
again, resumes where it was, asks for holes, and is a witness of all that it hears.

Frames in, frames out: no sockets, no clock. The canary and `make soak` talk by it.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from chatapp.canary.witness import Key, Witness

Frame = dict[str, Any]

#: Seconds without an acknowledgement after which the same is said again, or asked for again. What is said again and
#: again, each time after twice as long, up to so many.
PATIENCE, MOST_PATIENCE = 5.0, 60.0
#: Seconds for which something may be missing before it is asked for: it may be on its way.
GRACE = 1.0
#: Messages of the pages that are asked for.
PAGE = 200


class Said:
    """A message of ours that is not acknowledged: its frame, when it was said first, and when it is said again."""

    __slots__ = ("again", "first", "frame", "pause")

    def __init__(self, frame: Frame, now: float):
        self.frame, self.first = frame, now
        self.goes_out(now)

    def goes_out(self, now: float, pause: float = PATIENCE) -> None:
        self.pause = min(pause, MOST_PATIENCE)
        self.again = now + self.pause


class Asked:
    """
    A page that is to come: of what comes after `since`. What was known when it was asked for, up to `known`, must be
    there.
    """

    __slots__ = ("known", "of_itself", "since", "when")

    def __init__(self, since: int, known: int, when: float, of_itself: bool):
        self.since, self.known, self.when = since, known, when
        #: Whether it comes by itself, and the next too, as after `?since=`.
        self.of_itself = of_itself


class Conversation:
    """
    Call `opened` when a socket is open, `hear` with each of its frames, and `due` now and then; send what they return.

    `now` is of a monotonic clock.
    """

    def __init__(self) -> None:
        self.witness: Witness | None = None
        #: What the server calls us, and the token that makes us the same guest again.
        self.sender, self.guest = "", ""
        #: client_id → what is not acknowledged.
        self.outbox: OrderedDict[str, Said] = OrderedDict()
        #: client_id → number, of what was acknowledged since somebody emptied it.
        self.acknowledged: dict[str, int] = {}
        #: Whether the server has let us in.
        self.is_in = False
        #: Seconds after which the server wants us back, if it has said so.
        self.come_back_after: float | None = None
        self.asked: Asked | None = None
        self.missing_since: float | None = None

    def query(self) -> str:
        """What goes into the URL of the next socket, to be the same one again and to miss nothing."""
        given = {"guest": self.guest} if self.guest else {}
        if self.witness is not None:
            given["since"] = str(self.witness.upto)
        return urlencode(given)

    def opened(self) -> None:
        """There is a new socket."""
        self.is_in, self.come_back_after, self.asked, self.missing_since = False, None, None, None

    def say(self, text: str, client_id: str, now: float) -> list[Frame]:
        frame = {"message": text, "client_id": client_id}
        self.outbox[client_id] = Said(frame, now)
        return [frame] if self.is_in else []

    def unanswered(self, before: float) -> int:
        """How many of ours wait for an acknowledgement that were said before then."""
        return sum(said.first < before for said in self.outbox.values())

    def hear(self, frame: Frame, now: float) -> tuple[list[Frame], list[Frame]]:
        """What is to be sent because of a frame, and which messages are new by it."""
        kind = frame["type"]
        if kind == "welcome":
            return self.welcomed(frame, now), []
        if kind == "reconnect":
            self.come_back_after = float(frame["after"])
        if self.witness is None:
            return [], []
        if kind == "message":
            return [], [frame] if self.witness.hear(frame["seq"], key_of(frame)) else []
        if kind == "history" and "since" in frame:
            return self.read(frame, self.witness, now)
        if kind == "head":
            self.witness.learn(frame["seq"])
        if kind == "ack":
            self.answered(frame, self.witness)
        return [], []

    def welcomed(self, frame: Frame, now: float) -> list[Frame]:
        """Let in: say again what is not acknowledged."""
        self.is_in = True
        self.sender, self.guest = frame["sender"], frame.get("guest", "")
        if self.witness is None:
            self.witness = Witness(frame["head"])
        else:
            self.witness.begin()
            # The page ends with what was broadcast, which may be less than what we know.
            self.asked = Asked(self.witness.upto, min(self.witness.newest, frame["head"]), now, of_itself=True)
        for said in self.outbox.values():
            said.goes_out(now)
        return [said.frame for said in self.outbox.values()]

    def answered(self, frame: Frame, witness: Witness) -> None:
        if self.outbox.pop(frame["client_id"], None) is not None:
            self.acknowledged[frame["client_id"]] = frame["seq"]
        witness.learn(frame["seq"])

    def read(self, frame: Frame, witness: Witness, now: float) -> tuple[list[Frame], list[Frame]]:
        """A page came."""
        rows = frame["messages"]
        fresh = [row for row in rows if not witness.has(row["seq"])]
        asked = self.asked if self.asked is not None and self.asked.since == frame["since"] else None
        complete = frame["complete"] and asked is not None
        witness.read(
            frame["since"], [(row["seq"], key_of(row)) for row in rows], complete, asked.known if asked else None
        )
        if asked is None:
            return [], fresh
        self.asked = None
        if frame["complete"] or not rows:
            return [], fresh
        if asked.of_itself:
            self.asked = Asked(rows[-1]["seq"], asked.known, now, of_itself=True)
            return [], fresh
        return [self.ask(witness, now)], fresh

    def ask(self, witness: Witness, now: float) -> Frame:
        self.asked = Asked(witness.upto, witness.newest, now, of_itself=False)
        return {"type": "history", "since": witness.upto, "limit": PAGE}

    def due(self, now: float) -> list[Frame]:
        """What is to be sent because it is time."""
        return [*self.due_again(now), *self.due_questions(now)] if self.is_in else []

    def due_again(self, now: float) -> Iterator[Frame]:
        for said in self.outbox.values():
            if now > said.again:
                said.goes_out(now, 2 * said.pause)
                yield said.frame

    def due_questions(self, now: float) -> Iterator[Frame]:
        if self.witness is None or (self.asked is not None and now - self.asked.when < PATIENCE):
            return
        if not self.witness.missing and self.asked is None:
            self.missing_since = None
            return
        self.missing_since = now if self.missing_since is None else self.missing_since
        if now - self.missing_since >= GRACE:
            self.missing_since = None
            yield self.ask(self.witness, now)


def key_of(frame: Frame) -> Key:
    return frame["sender"], frame["client_id"]
