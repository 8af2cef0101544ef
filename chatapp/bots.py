"""
Bots that listen: functions that see every message of every room, and may answer.

    @bot("dice", pattern=r"/roll\\b")
    def roll(message):
        return "…"

`message` is a ChatMessage. What the function returns is said in the room as `bot:dice`; None says nothing. It runs in a
worker, once for a message even if that is delivered again (the answer's `client_id` is made from the message's `seq`).
A bot that raises harms nothing: it is logged. Bots don't hear bots, so none can answer itself; nor canaries.
"""

import logging
import random
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from chatapp import names, protocol
from chatapp.identity import CANARY_PREFIX, Sender

if TYPE_CHECKING:
    from chatapp.models import ChatMessage

logger = logging.getLogger(__name__)

#: What a bot is: a message in, and an answer or nothing out.
Function = Callable[["ChatMessage"], str | None]


class Bot(NamedTuple):
    name: str
    pattern: re.Pattern[str]
    function: Function

    @property
    def sender(self) -> Sender:
        return Sender("bot:" + self.name, self.name)


registry: dict[str, Bot] = {}


def bot(name: str, pattern: str = "") -> Callable[[Function], Function]:
    """
    Register a function as the bot `name`; it sees the messages whose text matches `pattern` from its start. Raises
    ValueError for a name that shows nothing, or looks like another bot's.
    """
    if names.is_blank(name) or any(other != name and names.alike(other, name) for other in registry):
        raise ValueError("A bot can't be called %s: it shows nothing, or looks like another bot's name." % ascii(name))

    def register(function: Function) -> Function:
        registry[name] = Bot(name, re.compile(pattern), function)
        return function

    return register


def listeners(row: "ChatMessage") -> list[Bot]:
    """The bots that want to see this message."""
    if row.sender.startswith(("bot:", CANARY_PREFIX)):
        return []
    return [listener for listener in registry.values() if listener.pattern.match(row.message)]


def wanted(row: "ChatMessage") -> bool:
    """Whether any bot wants to see it."""
    return bool(listeners(row))


def answers(row: "ChatMessage") -> list[tuple[Sender, str]]:
    """What the bots say to this message."""
    said = []
    for listener in listeners(row):
        try:
            answer = listener.function(row)
            if answer is not None:
                said.append((listener.sender, protocol.checked_message(answer[: protocol.MESSAGE_LIMIT])))
        except Exception:
            logger.exception("The bot %s failed on message %d of room %s", listener.name, row.seq, row.room.slug)
    return said


#: Dice of one roll, and sides of one die, at most.
DICE_LIMIT, SIDES_LIMIT = 100, 1000


@bot("dice", pattern=r"/roll\b")
def roll(row: "ChatMessage") -> str:
    """`/roll 2d6`: throws dice. Without a number, one die of six sides."""
    wish = re.fullmatch(r"/roll(?:\s+([0-9]{0,3})d([0-9]{1,4}))?\s*", row.message)
    count, sides = (int(wish[1] or 1), int(wish[2] or 6)) if wish else (0, 0)
    if not (1 <= count <= DICE_LIMIT and 1 <= sides <= SIDES_LIMIT):
        return "Say /roll 2d6: how many dice (up to %d), d, and how many sides (up to %d)." % (DICE_LIMIT, SIDES_LIMIT)
    thrown = [random.randint(1, sides) for _ in range(count)]
    total = " = %d" % sum(thrown) if count > 1 else ""
    return "%s rolls %dd%d: %s%s" % (row.name, count, sides, " + ".join(map(str, thrown)), total)
