import pytest
from channels import Channel, Group
from channels.exceptions import ConsumeLater, DenyConnection
from channels.routing import route

from relay.dispatch import dispatch


def routed(layer, consumer):
    layer.router.add_route(route("work", consumer))
    return {"reply_channel": "test.reply!x"}


def test_a_consumer_that_raises_is_logged_and_the_next_is_served(layer, caplog):
    served = []

    def consumer(message):
        if not served and not message.get("good"):
            raise RuntimeError("no")
        served.append(message.content)

    content = routed(layer, consumer)
    dispatch(layer, "work", content)
    dispatch(layer, "work", {**content, "good": True})
    assert len(served) == 1
    assert "The consumer of a message on work raised" in caplog.text


@pytest.mark.parametrize(
    "poison",
    [
        lambda message: Group("no group of that name").send({}),
        lambda message: Channel("no channel of that name").send({}),
        lambda message: 1 / 0,
    ],
)
def test_poison_does_not_get_out(layer, poison):
    """B1: a bad name blows up only when the sends are flushed, after the consumer."""
    content = routed(layer, poison)
    dispatch(layer, "work", content)
    dispatch(layer, "work", content)


def test_a_message_without_a_consumer_is_logged(layer, caplog):
    dispatch(layer, "nobody", {})
    assert "No consumer is routed for this message on nobody" in caplog.text


def test_a_denied_connection_is_closed(layer):
    def consumer(message):
        raise DenyConnection

    layer.router.root.routing.insert(0, route("websocket.connect", consumer))
    dispatch(layer, "websocket.connect", {"reply_channel": "test.reply!x"})
    assert layer.receive(["test.reply!"]) == ("test.reply!x", {"close": True})


def test_a_message_for_later_whose_channel_stays_full_is_logged(layer, caplog, monkeypatch):
    """B9: Channels drops it without a word."""
    monkeypatch.setattr("relay.dispatch.REQUEUE_TRIES", 1)

    def consumer(message):
        raise ConsumeLater

    layer.channel_layer.capacity = 0
    dispatch(layer, "work", routed(layer, consumer))
    assert "A message on work that its consumer wants later is dropped" in caplog.text


def test_a_message_for_later_goes_back_on_its_channel(layer):
    def consumer(message):
        raise ConsumeLater

    content = routed(layer, consumer)
    dispatch(layer, "work", content)
    assert layer.receive(["work"]) == ("work", {**content, "__retries__": 1})
