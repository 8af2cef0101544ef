"""Which consumer gets what."""

from channels.routing import route

from examples.linearize import consumers

channel_routing = [
    route("websocket.connect", consumers.ws_connect),
    route("websocket.receive", consumers.ws_receive),
    # These two may run beside any other of the same socket.
    route("websocket.keepalive", consumers.ws_keepalive),
    route("websocket.disconnect", consumers.ws_disconnect),
]
