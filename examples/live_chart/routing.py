"""Which consumer gets what. What a browser says is not for anybody: there is no websocket.receive."""

from channels.routing import route

from examples.live_chart import consumers

channel_routing = [
    route("websocket.connect", consumers.ws_add),
    route("websocket.keepalive", consumers.ws_add),
    route("websocket.disconnect", consumers.ws_disconnect),
]
