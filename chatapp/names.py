"""
Whether two names look the same. Everything that compares names asks here: accounts, guests, bots, rooms and dashboards.

Two spellings may differ and look alike: by case, by width, by characters that nobody sees, and by letters that look the
same in several scripts (Unicode's UTS 39: https://www.unicode.org/reports/tr39/). What is left of a name without all
this is its skeleton. It is compared, and never shown.

The cost is linear in a name's length, and what is beyond SKELETON_LIMIT is not read.
"""

import re
import unicodedata
from collections.abc import Collection
from functools import cache, lru_cache
from itertools import product

from confusable_homoglyphs.confusables import confusables_data

#: Characters of a skeleton that are kept: one of a name's characters may become several.
SKELETON_LIMIT = 300
#: Letters of a name that are read in both ways: four make 16 readings.
AMBIGUOUS_LIMIT = 4
#: What shows nothing: blanks, Unicode's Default_Ignorable_Code_Point, controls, characters that only format their
#: neighbours, and the Braille pattern without dots.
_BLANK = (
    r"\s\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U00013430-\U00013440\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U000e0fff"
)
_VISIBLE, _INVISIBLE = re.compile("[^%s]" % _BLANK), re.compile("[%s]+" % _BLANK)
#: What the library puts around a character that is written from right to left.
_MARK = "\u200e"
#: What becomes of a Turkish capital İ: it looks like the i that it is.
_DOTTED_I = "i\u0307"

#: Names that nobody has who signs up, and no guest: who reads them would take them for the service, or for everybody.
RESERVED = (
    "admin",
    "administrator",
    "all",
    "anonymous",
    "bot",
    "canary",
    "everybody",
    "everyone",
    "guest",
    "help",
    "here",
    "me",
    "moderator",
    "news",
    "nobody",
    "official",
    "operator",
    "owner",
    "parley",
    "room",
    "root",
    "security",
    "server",
    "service",
    "staff",
    "support",
    "sysadmin",
    "system",
    "webmaster",
    "you",
)
#: What the names of guests who have not chosen any begin with.
GUEST_PREFIX = "guest-"


def is_blank(text: str) -> bool:
    """Whether there is nothing to see in a text."""
    return _VISIBLE.search(text) is None


def alike(one: str, other: str) -> bool:
    """
    Whether two names look the same.

    >>> alike("Annika", "ANN\\u0399KA"), alike("alice", "aIice"), alike("Leila", "Lelia")
    (True, True, False)
    """
    return bool(looks(one) & looks(other))


def is_reserved(name: str, also: Collection[str] = ()) -> bool:
    """Whether a name looks like one of the server's own, or like one of `also`."""
    taken = _looks_of(RESERVED) | _looks_of(tuple(also))
    return bool(looks(name) & taken) or any(look.startswith(GUEST_PREFIX) for look in looks(name))


@lru_cache(maxsize=4096)
def skeleton(name: str) -> str:
    """What a name is compared by: the same for all that differ in case, width, and what UTS 39 calls confusable."""
    text = _plain(name[:SKELETON_LIMIT])
    while (simpler := _simpler(text)) != text:
        text = simpler
    return text


@lru_cache(maxsize=4096)
def looks(name: str) -> frozenset[str]:
    """
    The skeletons of all readings of a name. A capital letter is read as its small one, and as what it looks like
    itself: I is an i, and looks like an l. Names that have a skeleton in common look the same.
    """
    readings = [_readings(letter) for letter in _plain(name[:SKELETON_LIMIT])]
    ambiguous = [place for place, ways in enumerate(readings) if len(ways) > 1]
    rest = set(ambiguous[AMBIGUOUS_LIMIT:])
    found = set()
    # Of very many such letters, the rest are all read in one way, and then all in the other.
    for way in (0, -1):
        chosen = [ways[way:][:1] if place in rest else ways for place, ways in enumerate(readings)]
        found |= {skeleton("".join(letters)) for letters in product(*chosen)}
    return frozenset(found)


@cache
def _looks_of(names: Collection[str]) -> frozenset[str]:
    return frozenset().union(*map(looks, names))


def _readings(letter: str) -> tuple[str, ...]:
    small, seen = skeleton(letter), skeleton(_prototypes().get(letter, letter))
    return (small,) if seen == small else (small, seen)


def _simpler(text: str) -> str:
    """One step towards the skeleton. A character's prototype may have a small letter, or a prototype, of its own."""
    small = _plain(text.casefold()).replace(_DOTTED_I, "i")
    return _plain("".join(_prototypes().get(letter, letter) for letter in small))


def _plain(text: str) -> str:
    """Without compatibility forms and composed characters, and without what shows nothing."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFKD", text))[:SKELETON_LIMIT]


@cache
def _prototypes() -> dict[str, str]:
    """
    Character → what UTS 39 compares it as. The library names for each character those that look like it, in the order
    of Unicode's table: first a character and then its prototype.
    """
    found: dict[str, str] = {}
    prototypes = set()
    for character, others in confusables_data.items():
        if character not in prototypes:
            prototypes.add(others[0]["c"])
            found[character.strip(_MARK)] = others[0]["c"].strip(_MARK)
    return found
