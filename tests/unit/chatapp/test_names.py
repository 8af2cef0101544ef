import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatapp import names

ALIKE = [
    ("Annika", "ANNIKA", "case"),
    ("Annika", "\u0430nnika", "a Cyrillic letter"),
    ("ann", "\uff41\uff4e\uff4e", "width"),
    ("ann", "a\u00adn\u2060n\ufe0f\u180e\U000e0041\u200b", "what nobody sees"),
    ("ann", "a\u200ann", "a blank as thin as a hair"),
    ("\u00fcnal", "\u00dcnal", "case beyond ASCII"),
    ("\u00fcnal", "u\u0308nal", "composition"),
    ("stra\u00dfe", "STRASSE", "case that changes the length"),
    ("inci", "\u0130nci", "a Turkish capital"),
    ("alice", "aIice", "a capital I for an l"),
    ("alice", "A1ICE", "a digit"),
    ("Ilias", "IIias", "one capital I that is one, and one that is none"),
    ("lars", "Iars", "a capital I in the beginning"),
    ("bob", "\u0412ob", "a capital Cyrillic letter whose small one looks otherwise"),
    ("bian", "\u0412IAN", "both"),
    ("nick", "\u039dick", "a capital Greek letter whose small one looks like another"),
    ("\u0412\u0435\u0440\u0430", "\u0432\u0435\u0440\u0430", "case of Cyrillic letters"),
    ("modern", "modem", "two letters that look like one"),
]
DIFFERENT = [
    ("ann", "anna"),
    ("Leila", "Lelia"),
    ("Neil", "Neli"),
    ("Lisa", "Ilsa"),
    ("\u00c5sa", "Asa"),
    ("\u0417\u0430\u0445\u0430\u0440", "Zahar"),
    ("\u65e5\u672c", "\u65e5\u6728"),
    ("ann", "ann2"),
    ("\U0001f680", "\U0001f431"),
]
INVISIBLE = [
    "",
    " ",
    "\u3164",
    "\u2800",
    "\u200b",
    "\u2060\u00ad",
    "\ufe0f",
    "\u115f\u1160",
    "\U000e0041",
    "\u3000\n\t",
    "\ufff9\ufffb",
    "\U00013437",
]


@pytest.mark.parametrize(
    ("one", "other"), [(one, other) for one, other, how in ALIKE], ids=[how for _, _, how in ALIKE]
)
def test_names_that_look_the_same_are_alike(one, other):
    """C2"""
    assert names.alike(one, other)
    assert names.alike(other, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_names_that_differ_to_the_eye_are_not(one, other):
    assert not names.alike(one, other)


@pytest.mark.parametrize("text", INVISIBLE)
def test_there_is_nothing_to_see_in_what_is_invisible(text):
    assert names.is_blank(text)


@pytest.mark.parametrize("text", ["a", ".", "\u00e9", "\u0645", "\U0001f469\u200d\U0001f680", "\u200bx", "\u0e33"])
def test_there_is_something_to_see_in_anything_else(text):
    assert not names.is_blank(text)


@pytest.mark.parametrize(
    "name",
    ["server", "News", "\u0405ystem", "ADM\u0406N", "Moderator", "dice", "D\u0456ce", "guest-1a2b", "Gu\u0435st"],
)
def test_names_of_the_server_are_reserved(name):
    assert names.is_reserved(name, ["dice"])


@pytest.mark.parametrize("name", ["Serverin", "Ann", "\u0417\u0430\u0445\u0430\u0440", "Adele", "Guestav"])
def test_other_names_are_not(name):
    assert not names.is_reserved(name, ["dice"])


@given(st.text(max_size=60))
def test_the_skeleton_of_a_skeleton_is_itself_and_looks_like_the_name(name):
    skeleton = names.skeleton(name)
    assert names.skeleton(skeleton) == skeleton
    assert skeleton in names.looks(name)
    assert len(skeleton) <= names.SKELETON_LIMIT


@given(st.text(max_size=40), st.integers(0, 40), st.sampled_from([text for text in INVISIBLE if text]))
def test_case_width_and_what_is_invisible_make_no_other_name(name, place, invisible):
    assert names.skeleton(name.casefold()) == names.skeleton(name)
    assert names.skeleton(name[:place] + invisible + name[place:]) == names.skeleton(name)


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=40))
def test_wide_letters_make_no_other_name(name):
    wide = "".join(chr(ord(letter) + 0xFEE0) for letter in name)
    assert names.looks(wide) == names.looks(name)


def test_every_character_that_the_table_knows_has_a_skeleton_that_stays():
    """None is mapped in circles; and none is more than one character, or it would not be found."""
    for character in names._prototypes():
        assert len(character) == 1
        assert names.skeleton(names.skeleton(character)) == names.skeleton(character)


@pytest.mark.parametrize("letter", ["\u0412", "I", "\ufdfa", "\u0308", "m", "\U000e0041"])
def test_a_long_name_has_few_looks_and_short_ones(letter):
    looks = names.looks(letter * 10_000)
    assert len(looks) <= 2 ** (names.AMBIGUOUS_LIMIT + 1)
    assert max(map(len, looks)) <= names.SKELETON_LIMIT
