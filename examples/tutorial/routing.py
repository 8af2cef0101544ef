"""Which consumer gets what."""

from channels.routing import route

from examples.tutorial import consumers

# Of letters that the name of a group may have, and not too many.
in_a_room = r"^/chat/(?P<room>[A-Za-z0-9_-]{1,50})/\Z"

channel_routing = [
    route("websocket.connect", consumers.ws_add, path=in_a_room),
    route("websocket.keepalive", consumers.ws_add, path=in_a_room),
    route("websocket.receive", consumers.ws_receive, path=in_a_room),
    route("websocket.disconnect", consumers.ws_disconnect, path=in_a_room),
]
