"""
Rooms that not everyone gets into.

The server picks some: in `letters`, people with an account meet those whose names begin with the same letter; each gets
into the room of his letter, and no client can ask for another's. In `canary` the service talks to itself.
"""

from chatapp import names, protocol
from chatapp.exceptions import ClientError
from chatapp.identity import Sender
from chatapp.models import Room

#: What clients ask for, and what begins the names of the rooms that they get.
LETTERS, PREFIX = "letters", "letter-"
#: Where canaries are, and nobody else (docs/canary.md).
CANARY = "canary"
#: Where everybody gets in, also while there is no other room.
LOBBY = "lobby"
#: No other room looks like one of these, whether they exist or not.
KEPT = (LETTERS, CANARY, LOBBY)


def wanted(name: str | None, sender: Sender) -> str:
    """The name of the room that this sender gets into by asking for that, in whatever case. Raises ClientError."""
    return room_for(Room.spelled(protocol.checked_room(name)), sender)


def is_imitation(slug: str) -> bool:
    """Whether a name that no room has looks like that of a room, or like those that the server keeps for its own."""
    if slug in KEPT or slug.startswith(PREFIX):
        return False
    look = names.skeleton(slug)
    if look.startswith(names.skeleton(PREFIX)) or look in map(names.skeleton, KEPT):
        return True
    # Somebody else may have just made the room itself.
    return Room.nearest(slug) not in (None, slug)


def room_for(slug: str, sender: Sender) -> str:
    """The name of the room that this sender gets into. Raises ClientError."""
    if sender.is_canary or slug == CANARY:
        if sender.is_canary and slug == CANARY:
            return slug
        raise ClientError("no_entry")
    if slug != LETTERS and not slug.startswith(PREFIX):
        return slug
    if sender.user_id is None:
        raise ClientError("guests_not_allowed")
    own = PREFIX + initial(sender.name)
    if slug not in (LETTERS, own):
        raise ClientError("no_entry")
    return own


def initial(name: str) -> str:
    """The first letter, as a room's name can have it: `a`, or the number of one that is not ASCII: `u00e9`."""
    # Some letters are two in lower case.
    first = name[:1].lower()[:1]
    return first if first.isascii() and first.isalnum() else "u%04x" % ord(first or "?")


def title_of(slug: str) -> str:
    """What a room that the server picks is called; "" for others."""
    if not slug.startswith(PREFIX):
        return ""
    letter = slug.removeprefix(PREFIX)
    return "Names with %s" % (chr(int(letter[1:], 16)) if len(letter) > 1 else letter).upper()
