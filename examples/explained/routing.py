"""Which consumer gets what."""

from channels.routing import route

from examples.explained import consumers

# Whatever stands in the path is the room, line breaks and all.
in_a_room = r"(?s)^/(?P<room>.*)\Z"

channel_routing = [
    route("websocket.connect", consumers.ws_connect, path=in_a_room),
    route("websocket.keepalive", consumers.ws_keepalive, path=in_a_room),
    route("websocket.receive", consumers.ws_receive, path=in_a_room),
    route("websocket.disconnect", consumers.ws_disconnect, path=in_a_room),
]
