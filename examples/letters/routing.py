"""Which consumer gets what."""

from channels.routing import route

from examples.letters import consumers

channel_routing = [
    route("websocket.connect", consumers.ws_connect),
    route("websocket.keepalive", consumers.ws_keepalive),
    route("websocket.receive", consumers.ws_receive),
    route("websocket.disconnect", consumers.ws_disconnect),
]
