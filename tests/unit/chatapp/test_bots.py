import re
from types import SimpleNamespace

import pytest

from chatapp import bots


@pytest.fixture
def registry(monkeypatch):
    monkeypatch.setattr(bots, "registry", {})
    return bots.registry


def said(message, sender="user:1"):
    return SimpleNamespace(message=message, sender=sender, name="Ann", seq=1, room=SimpleNamespace(slug="lobby"))


def test_a_bot_sees_every_message_and_may_answer(registry):
    seen = []

    @bots.bot("echo")
    def echo(row):
        seen.append(row.message)
        return row.message.upper() if row.message != "quiet" else None

    assert [answer for _, answer in bots.answers(said("hi"))] == ["HI"]
    assert bots.answers(said("quiet")) == []
    assert seen == ["hi", "quiet"]


@pytest.mark.parametrize("name", ["", "\u3164", "D\u0456ce", "DICE"])
def test_a_bot_is_called_something_and_nothing_that_looks_like_another_bot(registry, name):
    """C2"""
    bots.bot("dice")(lambda row: None)
    with pytest.raises(ValueError, match="A bot can't be called"):
        bots.bot(name)
    bots.bot("dice")


def test_a_bot_with_a_pattern_sees_only_what_matches(registry):
    bots.bot("x", pattern=r"/x\b")(lambda row: "seen")
    assert bots.wanted(said("/x 1"))
    assert not bots.wanted(said("/xyz"))
    assert not bots.wanted(said("say /x"))


def test_a_bot_that_raises_harms_no_other(registry, caplog):
    @bots.bot("broken")
    def broken(row):
        raise RuntimeError("no")

    bots.bot("good")(lambda row: "still here")
    assert [answer for _, answer in bots.answers(said("hi"))] == ["still here"]
    assert "The bot broken failed on message 1 of room lobby" in caplog.text


@pytest.mark.parametrize("answer", [5, b"bytes", ["list"], "\0", ""])
def test_a_bot_that_answers_what_is_no_message_harms_no_other(registry, caplog, answer):
    bots.bot("odd")(lambda row: answer)
    bots.bot("good")(lambda row: "fine")
    assert [said for _, said in bots.answers(said("hi"))] == ["fine"]
    assert "The bot odd failed" in caplog.text


def test_a_bot_never_hears_a_bot(registry):
    """So it can't answer itself in a loop, nor two bots each other."""
    bots.bot("echo")(lambda row: row.message)
    assert not bots.wanted(said("hi", sender="bot:echo"))
    assert not bots.wanted(said("hi", sender="bot:other"))


@pytest.mark.parametrize(("wish", "count", "sides"), [("/roll 2d6", 2, 6), ("/roll d20", 1, 20), ("/roll", 1, 6)])
def test_dice_are_thrown_as_wished(wish, count, sides):
    answer = bots.roll(said(wish))
    assert answer.startswith("Ann rolls %dd%d: " % (count, sides))
    thrown = [int(number) for number in re.findall(r"\d+", answer.split(": ")[1].split(" = ")[0])]
    assert len(thrown) == count
    assert all(1 <= number <= sides for number in thrown)
    assert count == 1 or answer.endswith(" = %d" % sum(thrown))


@pytest.mark.parametrize(
    "wish", ["/roll 0d6", "/roll 101d6", "/roll 2d0", "/roll 2d1001", "/roll two", "/roll 9999d9999"]
)
def test_impossible_dice_are_explained(wish):
    assert bots.roll(said(wish)).startswith("Say /roll 2d6")
