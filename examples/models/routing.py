"""Which consumer gets what."""

from channels.routing import include, route

from examples.models import consumers
from examples.models.models import ROOM

in_a_room = r"^/(?P<room>%s)/\Z" % ROOM

socket_routing = [
    route("websocket.connect", consumers.ws_add, path=in_a_room),
    route("websocket.keepalive", consumers.ws_add, path=in_a_room),
    route("websocket.receive", consumers.ws_receive, path=in_a_room),
    route("websocket.disconnect", consumers.ws_disconnect, path=in_a_room),
]

custom_routing = [
    # From the socket, from views, from signals, from cron, from bots.
    route("chat-messages", consumers.chat_messages),
]

channel_routing = [include(socket_routing), include(custom_routing)]
