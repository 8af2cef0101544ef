"""What clients might send: nearly right, wrong, and absurd."""

import json
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

#: Also NUL, and halves of surrogate pairs.
ANY_CHARACTER = st.characters(exclude_categories=())
ANY_TEXT = st.text(ANY_CHARACTER, max_size=60)
#: What the interface server can deliver: UTF-8.
TEXT = st.text(max_size=60)

SAYINGS = ["hi", "/name Ann", "/name ", "/who", "/join", "/leave", "/help", "/roll 9d9", "/", "@alice", "x" * 4001]
ODD_TEXTS = [" ", "\0", "\ud800", "\u202e", "null", "-1", "1e9", "None", "../..", "a" * 64, "é" * 64, "''\"--;"]
THINGS = ["lobby", "letters", "letter-a", "garden.soil", "garden", "service.sockets", "service", "room:lobby"]
THINGS += ["bm9uZQ.e30."]
WORDS = st.sampled_from([*SAYINGS, *ODD_TEXTS, *THINGS])
NUMBERS = st.one_of(
    st.integers(-3, 20),
    st.sampled_from([2**31, 2**53, 2**62, 2**63, 2**64, 10**400, -(2**63) - 1, 1.5, -0.0, 1e308]),
    st.integers(),
    st.floats(),
)
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, ANY_TEXT, WORDS)
JSON_VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4), max_leaves=8
)

KINDS = ["message", "history", "typing", "presence", "notifications", "read", "auth", "points", "dashboard", "ping"]
FIELDS = ["message", "client_id", "before", "since", "limit", "skip", "ids", "object", "token", "series", "value", "at"]
FIELDS += ["points", "username", "password", "refresh", "room", "sender", "name"]
#: Frames whose names are known, with values that may fit.
FRAMES = st.builds(
    lambda kind, fields: {**kind, **fields},
    st.one_of(st.just({}), st.builds(lambda kind: {"type": kind}, st.sampled_from(KINDS) | JSON_VALUES)),
    st.dictionaries(st.sampled_from(FIELDS), SCALARS | st.lists(NUMBERS, max_size=5) | JSON_VALUES, max_size=4),
)

#: JSON that is hard to read, or none.
HARD_TEXTS = ["{", "{}", "{ ", '{"a":' * 20_000, "[" * 20_000, '{"message": %s}' % ("9" * 5000), '{"type": 1e999}']
HARD_TEXTS += [
    '{"message": NaN}',
    '{"message": "\\ud800"}',
    '{"message": "\\u0000"}',
    '\ufeff{"message": "a"}',
    "",
    "//",
]
HARD_TEXTS += ['{"message": "a", "message": 5}', "{'message': 'a'}", '{"type": "read", "ids": [true]}', "\0", "/"]
HARD_TEXTS += ['{"type":"read","ids":[%s]}' % ",".join(["1"] * 501), '{"type":"history","since":%s}' % ("9" * 99)]
HARD = st.sampled_from(HARD_TEXTS)


def dumped(value: Any) -> str:
    return json.dumps(value)


def cut(text: str, places: tuple[int, int]) -> str:
    """The text without a piece."""
    begin, end = sorted(place % (len(text) + 1) for place in places)
    return text[:begin] + text[end:]


JSON_TEXTS = st.one_of(
    FRAMES.map(dumped),
    FRAMES.map(dumped),
    JSON_VALUES.map(dumped),
    HARD,
    st.builds(cut, FRAMES.map(dumped), st.tuples(st.integers(0, 300), st.integers(0, 300))),
)
#: What a text frame may say.
FRAME_TEXTS = st.one_of(JSON_TEXTS, WORDS.filter(lambda word: word.isprintable()), TEXT)

#: Parts of URLs, as they are sent.
NAMES = st.one_of(
    WORDS, ANY_TEXT, st.sampled_from(["lobby", "a", "garden", "service", "1", "0", ".", "..", "%00", "a\nb"])
)
QUERY_NAMES = [
    "since",
    "before",
    "limit",
    "room",
    "token",
    "session_key",
    "guest",
    "auth",
    "skip",
    "next",
    "p",
    "q",
    "o",
]
QUERY_NAMES += ["ticket", "_popup", "id__exact", "e", "all", "_changelist_filters", "format"]


def quoted(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


QUERY_VALUES = st.one_of(NUMBERS.map(str), WORDS, ANY_TEXT, st.just("garden.soil:1")).map(quoted)
QUERIES = st.one_of(
    st.lists(
        st.builds("{}={}".format, st.sampled_from(QUERY_NAMES) | ANY_TEXT.map(quoted), QUERY_VALUES), max_size=4
    ).map("&".join),
    st.sampled_from(
        ["", "&" * 1001, "a=1&" * 1001, "%", "%ff", "%00", "=", "&&=;", "since", "auth", "a=%ED%A0%80", "?"]
    ),
    st.binary(max_size=20).map(lambda data: data.decode("latin1")),
)
