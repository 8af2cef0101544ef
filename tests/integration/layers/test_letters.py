"""Of each channel a thousand dead letters are kept: whoever makes what fails must not fill the server (L5)."""

from relay.layers.database import leases
from relay.layers.policy import LETTERS_LIMIT

#: Stands for the limit where it is not in a script: to bury a thousand takes a database some seconds.
FEW = 20


def make_with_limit(make_layer, monkeypatch):
    """A layer, and how many dead letters it keeps of a channel."""
    limited = "< %d\n" % LETTERS_LIMIT
    assert leases.BURY.count(limited) == 1
    monkeypatch.setattr(leases, "BURY", leases.BURY.replace(limited, "< %d\n" % FEW))
    monkeypatch.setattr("relay.layers.inmemory.LETTERS_LIMIT", FEW)
    layer = make_layer(
        capacity=2 * LETTERS_LIMIT,
        max_deliveries=1,
        ordering={"hot": "lane", "other": "lane", "safe": "lane"},
        channel_expiry={"safe": None},
    )
    return layer, LETTERS_LIMIT if hasattr(layer, "shards") else FEW


def give_up(layer, channel, count):
    """Turn `count` messages of one lane into dead letters; return the numbers of those that were not kept."""
    assert layer.send_many([(channel, {"lane": "a", "n": n}) for n in range(count)]) == []
    lost = []
    while taken := layer.take([channel], 200):
        lost += [delivery.content["n"] for delivery in taken if not layer.dead_letter(delivery, "no")]
    return lost


def test_dead_letters_of_a_channel_are_kept_up_to_a_limit_and_the_layer_tells_which_are_not(make_layer, monkeypatch):
    """They are done with all the same; other channels keep theirs; and what is discarded makes room."""
    # In one lane, which is on one server: where there are several, the limit is each server's.
    layer, limit = make_with_limit(make_layer, monkeypatch)
    assert give_up(layer, "hot", limit + 2) == [limit, limit + 1]
    assert give_up(layer, "other", 1) == []
    letters = [letter for letter in layer.dead_letters() if letter.channel == "hot"]
    assert sorted(letter.content["n"] for letter in letters) == list(range(limit)), "the first are kept"

    layer.send("hot", {"lane": "a", "n": "given back too often"})
    layer.give_back(layer.take(["hot"]), "no")
    hot, other = layer.status()
    assert (hot.depth, hot.in_flight, hot.dead, other.dead) == (0, 0, limit, 1)

    layer.discard_dead([letters[0].id])
    assert give_up(layer, "hot", 2) == [1]


def test_of_a_durable_channel_all_dead_letters_are_kept(make_layer, monkeypatch):
    """L5: only what clients can make at will is limited."""
    layer, limit = make_with_limit(make_layer, monkeypatch)
    assert give_up(layer, "safe", limit + 2) == []
    assert len(layer.dead_letters()) == limit + 2
