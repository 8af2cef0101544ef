"""Which consumer gets what."""

from channels.routing import route

from examples.rooms import consumers

channel_routing = [
    # A socket at /<room>/: named groups of the path become arguments of the consumer.
    route("websocket.connect", consumers.ws_connect, path=r"^/(?P<room>[A-Za-z0-9_-]{1,50})/\Z"),
    # At any other path: the room is in ?room=.
    route("websocket.connect", consumers.ws_connect),
    route("websocket.keepalive", consumers.ws_keepalive),
    route("websocket.receive", consumers.ws_receive),
    route("websocket.disconnect", consumers.ws_disconnect),
]
