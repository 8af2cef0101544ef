"""What consumers want to send: all of it, or nothing."""

import threading

import pytest
from channels import Channel, Group
from channels.asgi import ChannelLayerWrapper
from channels.exceptions import ConsumeLater
from channels.routing import route
from channels.worker import Worker as StockWorker

from relay.decorators import batch_consumer
from relay.outbox import send_all
from tests.waiting import FACTOR, wait_until


def sent(office, channel):
    """What lies on a channel."""
    found = []
    while True:
        name, content = office.layer.receive([channel])
        if name is None:
            return found
        found.append(content)


def answering(handled):
    """A consumer that notes each message's number, and answers with it."""

    def consumer(message):
        handled.append(message["n"])
        message.reply_channel.send({"n": message["n"]})

    return consumer


def test_what_a_consumer_that_raised_wanted_to_send_is_dropped(open_office):
    """B11: it would tell of what was rolled back."""
    office = open_office(max_deliveries=2)

    def consumer(message):
        Channel("out", channel_layer=message.channel_layer).send({"attempt": message.content.attempts})
        if message.content.attempts == 1:
            raise RuntimeError("too early")

    office.on("work", consumer)
    office.hire()
    office.send("work")
    office.wait_until_empty("work")
    assert sent(office, "out") == [{"attempt": 2}]


def test_sends_leave_in_their_order_to_channels_and_groups(open_office):
    office = open_office()
    reply = "daphne.response.x!y"

    def consumer(message):
        layer = message.channel_layer
        for n in range(3):
            message.reply_channel.send({"n": 2 * n})
            Group("all", channel_layer=layer).send({"n": 2 * n + 1})

    office.on("work", consumer)
    office.layer.receive(["daphne.response.x!"])
    office.layer.group_add("all", reply)
    office.send("work", reply_channel=reply)
    office.hire()
    office.wait_until_empty("work")
    assert [content["n"] for content in sent(office, "daphne.response.x!")] == [0, 1, 2, 3, 4, 5]


def test_one_send_that_cannot_be_does_not_cost_the_others(open_office):
    """B1. The message that wanted it is kept, so that someone sees what was lost."""
    office = open_office()

    def consumer(message):
        for content in ({"n": 1}, {"n": {1, 2}}, {"n": 3}):
            Channel("out", channel_layer=message.channel_layer).send(content)

    office.on("work", consumer)
    worker = office.hire()
    office.send("work", good=1)
    office.wait_until_empty("work")
    assert sorted(content["n"] for content in sent(office, "out")) == [1, 3]
    (letter,) = office.layer.dead_letters()
    assert "What its consumer wants to send can't be sent" in letter.reason
    wait_until(lambda: worker.tally().dropped == 1, "it is counted")


def test_who_wants_answers_where_nothing_can_be_sent_costs_others_nothing(open_office):
    """A bot may name anything as its reply channel, and its answer is sent together with others' answers."""
    office = open_office()

    def consumer(messages):
        for message in messages:
            message.reply_channel.send({"n": 1})

    office.on("work", batch_consumer(consumer))
    for reply_channel in (["x"], {"x": 1}, 5, "out", True, "out", [["x"]]):
        office.send("work", reply_channel=reply_channel)
    worker = office.hire()
    office.wait_until_empty("work")
    wait_until(lambda: worker.tally().dropped == 5, "what can't be sent is counted")
    assert sent(office, "out") == [{"n": 1}, {"n": 1}]
    assert worker.tally().failed["work"] == 0


def test_a_message_is_not_done_before_all_that_can_be_sent_is(open_office):
    """One of its sends can never be, and another finds its channel full: it is kept until that one is sent."""
    office = open_office(channel_capacity={"narrow": 1})
    office.send("narrow", n=0)

    def consumer(message):
        for content in ({"n": {1, 2}}, {"n": 1}):
            Channel("narrow", channel_layer=message.channel_layer).send(content)

    office.on("lanes", consumer)
    worker = office.hire()
    office.send("lanes", lane="a")
    wait_until(lambda: any(hands.scheduler.held for hands in worker.crew), "its channel is full")
    assert office.row("lanes").in_flight == 1
    assert office.layer.dead_letters() == []
    # To take one makes room for the next.
    assert office.layer.receive(["narrow"])[1] == {"n": 0}
    office.wait_until_empty("lanes")
    assert sent(office, "narrow") == [{"n": 1}]
    assert "can't be sent" in office.layer.dead_letters()[0].reason


def test_what_is_for_a_full_channel_does_not_overtake_what_waits_for_it(open_office):
    office = open_office(channel_capacity={"daphne.response.*": 1})
    layer = ChannelLayerWrapper(office.layer, "default", [])
    reply = "daphne.response.x!y"
    sends = [(Channel(reply, channel_layer=layer), {"n": n}) for n in range(4)]
    sends.insert(2, (Group("all", channel_layer=layer), {}))
    left, unsendable = send_all(sends)
    assert ([content["n"] for _, content in left], unsendable) == ([1, 2, 3], [])
    assert sent(office, "daphne.response.x!") == [{"n": 0}]
    left, unsendable = send_all(left, full={reply})
    assert [content["n"] for _, content in left] == [1, 2, 3]


def test_an_interface_server_that_does_not_keep_up_holds_up_no_lane(open_office, monkeypatch):
    """Its clients' answers wait for a while; what comes next in the lane does not."""
    monkeypatch.setattr("relay.outbox.PATIENCE", 60 * FACTOR)
    office = open_office(channel_capacity={"daphne.response.*": 1})
    handled = []
    office.on("lanes", answering(handled))
    office.hire()
    for n in range(60):
        office.send("lanes", lane="a", n=n, reply_channel="daphne.response.x!y")
    wait_until(lambda: len(handled) == 60, "all are handled", 1.5)
    assert office.layer.receive(["daphne.response.x!"])[1] == {"n": 0}
    # To take one makes room for one.
    wait_until(lambda: office.layer.receive(["daphne.response.x!"])[1] == {"n": 1}, "the next comes as soon as it can")


def test_what_a_full_channel_refuses_waits_and_nobody_else_does(open_office):
    """B1: Channels' worker dies after two seconds of it."""
    office = open_office(channel_capacity={"narrow": 2})
    handled = []

    def feed(message):
        Channel("narrow", channel_layer=message.channel_layer).send({"n": message["n"]})
        handled.append(message["n"])

    office.on("lanes", feed)
    office.on("other", lambda message: handled.append("other"))
    for n in range(6):
        office.send("lanes", lane="a", n=n)
    office.hire()
    wait_until(lambda: 2 in handled, "the channel is full")
    office.send("other")
    wait_until(lambda: "other" in handled, "others are served meanwhile")
    got = []

    def fetch():
        got.extend(sent(office, "narrow"))
        return len(got) >= 6

    wait_until(fetch, "all comes in the end")
    assert sorted(content["n"] for content in got) == [0, 1, 2, 3, 4, 5]
    assert [n for n in handled if n != "other"] == [0, 1, 2, 3, 4, 5], "each once"
    office.wait_until_empty("lanes")


def test_workers_that_feed_each_other_through_full_channels_get_on(open_office):
    """Fifty held messages, and still someone empties the channel they wait for."""
    office = open_office(channel_capacity={"narrow": 1})
    drained = []
    office.on("wide", lambda message: Channel("narrow", channel_layer=message.channel_layer).send({"n": message["n"]}))
    office.on("narrow", lambda message: drained.append(message["n"]))
    for n in range(70):
        office.send("wide", n=n)
    office.hire(threads=1)
    wait_until(lambda: len(drained) == 70, "all get through", 60)
    assert sorted(drained) == list(range(70))


@pytest.mark.parametrize("channel", ["work", "websocket.receive"])
def test_a_channel_that_stays_full_fails_the_message_in_the_end(open_office, settings_override, channel):
    """L5: also where a message whose consumer raises is tried only once."""
    settings_override(RELAY_SEND_PATIENCE=0.2)
    office = open_office(channel_capacity={"narrow": 0}, max_deliveries=2)
    tried = []

    def consumer(message):
        tried.append(message.content.attempts)
        Channel("narrow", channel_layer=message.channel_layer).send({})

    office.on(channel, consumer)
    office.hire()
    office.send(channel, reply_channel="web!a")
    (letter,) = wait_until(office.layer.dead_letters, "it is given up")
    assert "narrow stayed full" in letter.reason
    assert tried == [1, 2]


def test_a_client_that_does_not_read_loses_its_frames_and_nobody_waits(open_office, caplog):
    office = open_office(channel_capacity={"daphne.response.*": 1})
    handled = []
    office.on("work", answering(handled))
    worker = office.hire()
    for n in range(3):
        office.send("work", n=n, reply_channel="daphne.response.x!y")
    wait_until(lambda: worker.tally().dropped == 2, "they are dropped")
    office.wait_until_empty("work")
    assert sorted(handled) == [0, 1, 2]
    assert "daphne.response.x!y stayed full" in caplog.text


def test_a_batch_has_messages_of_many_lanes_each_in_order(open_office):
    office = open_office()
    batches = []

    @batch_consumer(limit=20)
    def consumer(messages):
        batches.append([(message["lane"], message["n"]) for message in messages])

    office.on("lanes", consumer)
    for n in range(10):
        for lane in "abcde":
            office.send("lanes", lane=lane, n=n)
    office.hire()
    office.wait_until_empty("lanes")
    handled = [each for batch in batches for each in batch]
    for lane in "abcde":
        assert [n for name, n in handled if name == lane] == list(range(10))
    assert any(len({lane for lane, _ in batch}) > 1 for batch in batches)
    assert max(len(batch) for batch in batches) <= 20


def test_one_message_of_a_batch_that_is_wanted_later_keeps_no_other(open_office):
    office = open_office(max_deliveries=3)
    handled = []

    @batch_consumer
    def consumer(messages):
        if any(message["n"] == 3 and message.content.attempts == 1 for message in messages):
            raise ConsumeLater
        handled.extend((message["n"], message.content.attempts) for message in messages)

    office.on("work", consumer)
    for n in range(6):
        office.send("work", n=n)
    office.hire()
    office.wait_until_empty("work")
    assert sorted(handled) == [(0, 1), (1, 1), (2, 1), (3, 2), (4, 1), (5, 1)]


def test_a_worker_that_knows_no_batches_gives_lists_of_one(open_office):
    office = open_office()
    batches, gate = [], threading.Event()

    @batch_consumer
    def consumer(messages):
        batches.append([message["n"] for message in messages])
        if len(batches) == 3:
            gate.set()

    layer = ChannelLayerWrapper(office.make_layer(), "default", [route("work", consumer)])
    for n in range(3):
        office.send("work", n=n)
    stock = StockWorker(layer, signal_handlers=False)
    thread = threading.Thread(target=stock.run, daemon=True)
    thread.start()
    assert gate.wait(20)
    stock.termed = True
    thread.join(20)
    assert sorted(batches) == [[0], [1], [2]]
