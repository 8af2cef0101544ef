"""Which consumer gets what."""

from channels.routing import route

from examples.echo import consumers

channel_routing = [
    # A tab opened.
    route("websocket.connect", consumers.ws_add),
    # It is still there.
    route("websocket.keepalive", consumers.ws_add),
    # It says something.
    route("websocket.receive", consumers.ws_receive),
    # It is gone.
    route("websocket.disconnect", consumers.ws_disconnect),
]
