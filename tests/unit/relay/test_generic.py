from channels.generic.websockets import JsonWebsocketConsumer
from channels.routing import route_class

from relay.dispatch import dispatch
from relay.generic import WebsocketDemultiplexer


class Echo(JsonWebsocketConsumer):
    def receive(self, content, multiplexer=None, **kwargs):
        multiplexer.send({"echo": content})


class Streams(WebsocketDemultiplexer):
    consumers = {"echo": Echo, "other": Echo}


def test_a_demultiplexer_leaves_the_classes_of_its_consumers_alone(layer):
    """B21"""
    before = Echo.send
    layer.router.root.routing.insert(0, route_class(Streams))
    text = '{"stream": "echo", "payload": {"n": 1}}'
    dispatch(layer, "websocket.receive", {"reply_channel": "test.reply!x", "path": "/", "text": text})
    assert layer.receive(["test.reply!"])[1] == {"text": '{"stream": "echo", "payload": {"echo": {"n": 1}}}'}
    assert Echo.send is before


def test_what_is_no_frame_for_a_demultiplexer_is_an_error_as_before(layer, caplog):
    layer.router.root.routing.insert(0, route_class(Streams))
    dispatch(layer, "websocket.receive", {"reply_channel": "test.reply!x", "path": "/", "text": "[1]"})
    assert "Invalid multiplexed" in caplog.text
