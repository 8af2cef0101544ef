"""Which consumer gets what."""

from channels.routing import include, route

from chatapp.notifications.consumers import notifications
from examples.notices import consumers

in_a_session = r"^/(?P<session>[A-Za-z0-9_-]{1,50})/\Z"

socket_routing = [
    route("websocket.connect", consumers.ws_connect, path=in_a_session),
    route("websocket.keepalive", consumers.ws_keepalive, path=in_a_session),
    route("websocket.receive", consumers.ws_receive, path=in_a_session),
    route("websocket.disconnect", consumers.ws_disconnect, path=in_a_session),
]

custom_routing = [
    # A stored notification goes out to the user's sockets. If that fails, it comes again.
    route(["notifications", "notifications-out"], notifications),
]

channel_routing = [include(socket_routing), include(custom_routing)]
