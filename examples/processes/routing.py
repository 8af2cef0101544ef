"""Which consumer gets what. Every worker has these routes, and takes what is next."""

from channels.routing import route

from examples.processes import consumers

channel_routing = [
    route("websocket.connect", consumers.ws_connect),
    route("websocket.receive", consumers.ws_receive),
]
