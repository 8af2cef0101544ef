"""What a listener can swear to."""

import itertools

import pytest

from chatapp.canary import witness
from chatapp.canary.witness import Witness


def key(number):
    return ("user:1", "c%d" % number)


def hear(listener, *numbers):
    for number in numbers:
        listener.hear(number, key(number))


def counts(listener):
    return {name: count for name, count in listener.tally.items() if count}


def test_messages_in_order_are_heard():
    listener = Witness(10)
    hear(listener, 11, 12, 13)
    assert counts(listener) == {"heard": 3}
    assert (listener.upto, listener.missing, listener.in_order) == (13, 0, True)


def test_a_broadcast_that_comes_again_is_no_fault():
    listener = Witness(0)
    hear(listener, 1, 2, 1, 2, 3)
    assert counts(listener) == {"heard": 3, "repeated": 2}
    assert listener.in_order


def test_a_hole_that_is_asked_for_is_mended():
    listener = Witness(0)
    hear(listener, 1, 4)
    assert (listener.upto, listener.missing) == (1, 2)
    listener.read(1, [(number, key(number)) for number in (2, 3, 4)], complete=True)
    assert counts(listener) == {"heard": 4, "missed": 2, "mended": 2, "repeated": 1}
    assert (listener.upto, listener.missing, listener.in_order) == (4, 0, True)


def test_what_is_not_there_when_it_asks_is_lost():
    listener = Witness(0)
    hear(listener, 1, 4)
    listener.read(1, [(3, key(3))], complete=True)
    assert counts(listener) == {"heard": 3, "missed": 2, "mended": 1, "lost": 1}
    assert (listener.upto, listener.missing, listener.in_order) == (4, 0, False)


def test_a_page_that_is_not_the_last_says_nothing_of_what_comes_after_it():
    listener = Witness(0)
    hear(listener, 1, 6)
    listener.read(1, [(2, key(2)), (3, key(3))], complete=False)
    assert listener.missing == 2
    listener.read(3, [(4, key(4)), (5, key(5))], complete=True)
    assert counts(listener) == {"heard": 6, "missed": 4, "mended": 4}


def test_a_message_that_comes_behind_a_later_one_is_out_of_order():
    listener = Witness(0)
    hear(listener, 1, 3, 2)
    assert counts(listener) == {"heard": 3, "missed": 1, "inverted": 1}
    assert not listener.in_order


def test_an_announced_head_tells_of_a_lost_last_message():
    listener = Witness(0)
    hear(listener, 1)
    listener.learn(2)
    assert listener.missing == 1
    listener.read(1, [], complete=True)
    assert counts(listener) == {"heard": 1, "missed": 1, "lost": 1}
    listener.learn(1)
    assert listener.missing == 0


def test_what_comes_after_it_was_announced_is_in_order():
    listener = Witness(0)
    listener.learn(2)
    hear(listener, 1, 2)
    assert listener.in_order
    assert listener.missing == 0


@pytest.mark.parametrize(("seq", "called"), [(2, "c1"), (1, "c2")])
def test_one_message_under_two_numbers_and_two_under_one_are_doubled(seq, called):
    listener = Witness(0)
    hear(listener, 1)
    listener.hear(seq, ("user:1", called))
    assert listener.tally["doubled"] == 1
    assert not listener.in_order


def test_it_forgets_what_is_long_ago(monkeypatch):
    monkeypatch.setattr(witness, "MEMORY", 3)
    listener = Witness(0)
    hear(listener, *range(1, 11))
    assert len(listener.keys) == len(listener.numbers) == 3


@pytest.mark.parametrize("order", list(itertools.permutations(range(1, 5))))
def test_whatever_the_order_everything_is_heard_once_and_nothing_stays_missing(order):
    listener = Witness(0)
    hear(listener, *order)
    assert listener.tally["heard"] == 4
    assert (listener.upto, listener.missing, len(listener.ahead)) == (4, 0, 0)
    assert listener.in_order == (list(order) == [1, 2, 3, 4])
