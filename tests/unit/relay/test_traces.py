"""The id that goes with a message wherever it leads."""

import io
import json
import logging
import re

import pytest
from channels import Channel, Group
from channels.message import Message

from relay import traces
from relay.decorators import batch_consumer
from relay.fanout import plain_frame
from relay.logs import LineFormatter, log_as_json
from relay.outbox import handling, send_at_once, traced
from relay.traces import KEY

ONE, TWO = ["one-1", 1.5], ["two-2", 2.5]


def test_an_id_is_no_other_and_says_nothing_of_where_it_comes_from():
    ids = {traces.begin()[0] for _ in range(1000)}
    assert len(ids) == 1000
    assert all(re.fullmatch(r"[0-9a-f]{6}-[0-9a-f]+", name) for name in ids)


@pytest.mark.parametrize(
    "value", [None, "x", 5, [], ["a"], ["a", "b"], [1, 2.0], ["a", 1.0, 2], ["a\nb", 1.0], ["a" * 65, 1.0], {"a": 1.0}]
)
def test_what_anybody_may_have_sent_is_no_trace(value):
    assert traces.trace_of({KEY: value}) is None


@pytest.fixture
def office(open_office):
    """A worker, and what it sends to `next`."""
    made = open_office()
    made.heard = []
    made.on("next", lambda message: made.heard.append((message["n"], message.content.get(KEY))))
    return made


def heard(office, count):
    from tests.waiting import wait_until

    wait_until(lambda: len(office.heard) == count, "all is heard")
    return sorted(office.heard, key=str)


def test_what_a_consumer_sends_inherits_the_trace_of_its_message(office):
    """At its end or at once, also a constant dict, which must not be changed; what has its own trace keeps it."""
    constant = {"n": 1}

    def consumer(message):
        channel = Channel("next", channel_layer=message.channel_layer)
        channel.send(constant)
        channel.send({"n": 2}, immediately=True)
        channel.send({"n": 3, KEY: TWO})
        send_at_once([(channel, {"n": 4})])

    office.on("work", consumer)
    office.hire()
    office.send("work", **{KEY: ONE})
    assert heard(office, 4) == [(1, ONE), (2, ONE), (3, TWO), (4, ONE)]
    assert constant == {"n": 1}


def test_what_has_no_trace_gives_none(office):
    office.on("work", lambda message: Channel("next", channel_layer=message.channel_layer).send({"n": 1}))
    office.hire()
    office.send("work")
    assert heard(office, 1) == [(1, None)]


def test_a_consumer_of_batches_says_which_message_it_is_at(office):
    @batch_consumer
    def consumer(messages):
        for message in messages:
            channel = Channel("next", channel_layer=message.channel_layer)
            with handling(message):
                channel.send({"n": message["n"]})
                channel.send({"n": message["n"] + 10}, immediately=True)
            send_at_once([(channel, traced({"n": message["n"] + 20}, message))])

    office.on("work", consumer)
    for n, trace in enumerate((ONE, TWO, None)):
        office.send("work", n=n, **({KEY: trace} if trace else {}))
    office.hire()
    found = dict(heard(office, 9))
    assert [found[n] for n in (0, 10, 20)] == [ONE] * 3
    assert [found[n] for n in (1, 11, 21)] == [TWO] * 3
    assert [found[n] for n in (2, 12, 22)] == [None] * 3


def test_a_group_message_keeps_its_trace_and_the_fast_way():
    from relay.layers.inmemory import ChannelLayer

    layer = ChannelLayer()
    layer.group_add("g", "process!one")
    message = Message({KEY: ONE}, "work", layer)
    with handling(message):
        send_at_once([(Group("g", channel_layer=layer), {"text": "hi"})])
    (delivery,) = layer.take(["process!"])
    assert delivery.content == {"text": "hi", KEY: ONE}
    assert plain_frame(delivery.content) == plain_frame({"text": "hi"}) == b"\x81\x02hi"
    assert plain_frame({"text": "hi", "close": True}) is None


@pytest.fixture
def log():
    """A logger of its own, and what it wrote."""
    traces.mark_records()
    logger, stream = logging.getLogger("tests.traces"), io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(LineFormatter("%(levelname)s %(message)s"))
    logger.handlers, logger.propagate = [handler], False
    yield logger, stream
    logger.handlers = []


def test_every_line_says_what_it_is_about(log):
    """In a batch the first few; before a traceback; nothing outside."""
    logger, stream = log
    logger.warning("outside")
    with traces.about((ONE,)):
        logger.warning("within")
        try:
            raise ValueError("no")
        except ValueError:
            logger.exception("failed")
    with traces.about((ONE, TWO, ONE, TWO, ONE)):
        logger.warning("many")
    lines = stream.getvalue().splitlines()
    assert lines[:4] == ["WARNING outside", "WARNING within trace=one-1", "ERROR failed trace=one-1", lines[3]]
    assert lines[3].startswith("Traceback")
    assert lines[-1] == "WARNING many trace=one-1,two-2,one-1+2"


def test_a_line_for_machines_has_it_as_a_field(log):
    logger, stream = log
    before = {handler: handler.formatter for each in known() for handler in each.handlers}
    try:
        log_as_json()
        logger.warning("outside")
        with traces.about((ONE,)):
            logger.warning("within")
    finally:
        for handler, formatter in before.items():
            handler.setFormatter(formatter)
    outside, within = map(json.loads, stream.getvalue().splitlines())
    assert "trace" not in outside
    assert (within["trace"], within["message"]) == ("one-1", "within")


def known():
    found = [each for each in logging.root.manager.loggerDict.values() if isinstance(each, logging.Logger)]
    return [logging.root, *found]


def test_the_log_of_a_failure_names_what_failed(office, caplog):
    traces.mark_records()
    office.on("work", lambda message: 1 / 0)
    office.hire()
    office.send("work", **{KEY: ONE})
    from tests.waiting import wait_until

    wait_until(lambda: [record for record in caplog.records if "failed" in record.message], "it fails")
    (first, *_) = [record for record in caplog.records if "failed" in record.message]
    assert first.trace == "one-1"
