"""A client's part in a room: what it sends, and when."""

import pytest

from chatapp.canary.conversation import GRACE, PATIENCE, Conversation


def message(seq, client_id=None):
    return {"type": "message", "seq": seq, "sender": "guest:1", "client_id": client_id or "c%d" % seq, "message": "hi"}


def welcome(head, **more):
    return {"type": "welcome", "sender": "guest:1", "head": head, "guest": "token", **more}


def page(since, *numbers, complete=True):
    return {"type": "history", "since": since, "messages": [message(seq) for seq in numbers], "complete": complete}


class Talk:
    """A conversation, and a clock."""

    def __init__(self, head=0):
        self.conversation, self.now, self.fresh = Conversation(), 100.0, []
        self.open(head)

    def open(self, head):
        self.conversation.opened()
        return self.hear(welcome(head))

    def hear(self, frame):
        answers, fresh = self.conversation.hear(frame, self.now)
        self.fresh += [each["seq"] for each in fresh]
        return answers

    def due(self, after=0.0):
        self.now += after
        return self.conversation.due(self.now)

    @property
    def tally(self):
        return {name: count for name, count in self.conversation.witness.tally.items() if count}


@pytest.fixture
def talk():
    return Talk()


def test_it_says_again_what_is_not_acknowledged(talk):
    (frame,) = talk.conversation.say("hi", "mine", talk.now)
    assert talk.due(PATIENCE / 2) == []
    assert talk.due(PATIENCE) == [frame]
    assert talk.due(1.5 * PATIENCE) == []
    assert talk.due(PATIENCE) == [frame], "after twice as long: an outage is no time for more and more"
    assert talk.conversation.unanswered(talk.now) == 1
    talk.hear({"type": "ack", "client_id": "mine", "seq": 1})
    talk.hear(message(1, "mine"))
    assert talk.due(2 * PATIENCE) == []
    assert talk.conversation.acknowledged == {"mine": 1}
    assert talk.conversation.unanswered(talk.now) == 0


def test_what_was_said_while_it_was_away_goes_out_when_it_is_back(talk):
    talk.conversation.opened()
    assert talk.conversation.say("hi", "mine", talk.now) == []
    assert talk.due(PATIENCE * 2) == []
    assert talk.open(0) == [{"message": "hi", "client_id": "mine"}]


def test_it_comes_back_as_the_same_guest_after_what_it_has(talk):
    for seq in (1, 2, 4):
        talk.hear(message(seq))
    assert talk.conversation.query() == "guest=token&since=2"
    talk.open(5)
    talk.hear(page(2, 3, 4, 5))
    assert talk.fresh == [1, 2, 4, 3, 5]
    assert talk.tally == {"heard": 5, "missed": 1, "mended": 1, "repeated": 1}


def test_it_asks_for_what_is_missing_for_a_while(talk):
    talk.hear(message(1))
    talk.hear(message(3))
    assert talk.due(GRACE / 2) == []
    assert talk.due(GRACE) == [{"type": "history", "since": 1, "limit": 200}]
    assert talk.due() == [], "once"
    talk.hear(page(1, 2, 3))
    assert talk.due(GRACE * 2) == []
    assert talk.tally == {"heard": 3, "missed": 1, "mended": 1, "repeated": 1}


def test_what_comes_late_is_not_asked_for(talk):
    talk.hear({"type": "head", "seq": 1})
    assert talk.due() == []
    talk.hear(message(1))
    assert talk.due(GRACE * 2) == []


def test_a_question_without_an_answer_is_asked_again(talk):
    talk.hear({"type": "head", "seq": 2})
    talk.due()
    assert talk.due(GRACE)
    assert talk.due(PATIENCE - 0.1) == []
    assert talk.due(0.2) == []
    assert talk.due(GRACE) == [{"type": "history", "since": 0, "limit": 200}]


def test_an_announced_message_that_is_on_no_page_is_lost(talk):
    talk.hear({"type": "head", "seq": 1})
    talk.due()
    talk.due(GRACE)
    talk.hear(page(0))
    assert talk.tally == {"missed": 1, "lost": 1}
    assert list(talk.conversation.witness.faults) == [("lost", 1)]


def test_a_page_says_nothing_of_what_was_stored_after_it_was_asked_for(talk):
    talk.hear({"type": "head", "seq": 1})
    talk.due()
    talk.due(GRACE)
    talk.hear(message(3))
    talk.hear(page(0, 1))
    assert talk.conversation.witness.in_order
    talk.due()
    assert talk.due(GRACE) == [{"type": "history", "since": 1, "limit": 200}]
    talk.hear(page(1, 2, 3))
    assert talk.conversation.witness.in_order


def test_the_page_of_a_newcomer_says_nothing_of_what_was_not_broadcast(talk):
    """What is acknowledged may be stored and not broadcast yet: it comes after the page."""
    talk.hear({"type": "ack", "client_id": "x", "seq": 2})
    talk.open(1)
    talk.hear(page(0, 1))
    talk.hear(message(2))
    assert talk.tally == {"heard": 2, "missed": 2, "mended": 1}


def test_a_page_that_nobody_asked_for_proves_only_what_is_on_it(talk):
    talk.hear({"type": "head", "seq": 3})
    talk.hear(page(0, 1))
    assert talk.conversation.witness.missing == 2


def test_pages_that_are_not_the_last_are_followed_by_others(talk):
    talk.hear({"type": "head", "seq": 3})
    talk.due()
    talk.due(GRACE)
    assert talk.hear(page(0, 1, complete=False)) == [{"type": "history", "since": 1, "limit": 200}]
    talk.open(3)
    assert talk.hear(page(1, 2, complete=False)) == [], "the next comes by itself"
    talk.hear(page(2, 3))
    assert talk.fresh == [1, 2, 3]
    assert talk.conversation.witness.in_order


def test_what_comes_again_on_another_connection_is_not_out_of_order(talk):
    talk.hear(message(1))
    talk.hear(message(3))
    talk.open(1)
    talk.hear(page(1))
    talk.hear(message(2))
    talk.hear(message(3))
    assert talk.tally == {"heard": 3, "missed": 1, "repeated": 1}


def test_it_is_told_when_to_come_back(talk):
    talk.hear({"type": "reconnect", "after": 2.5})
    assert talk.conversation.come_back_after == 2.5
    talk.open(0)
    assert talk.conversation.come_back_after is None
