"""The wire map: which consumer gets the messages of which channel."""

from channels.routing import route

from chatapp import consumers
from chatapp.dashboard import consumers as dashboard
from chatapp.notifications.consumers import notifications

#: Sockets of dashboards. Their routes come before the chat's, whose sockets may be at any other path.
DASHBOARD = r"(?s)^/dashboard/(?P<name>.*?)/?\Z"

#: Each message is compared with one route after the other: what comes most often comes first.
channel_routing = [
    # A message for a room: from a socket, a view, a bot, a management command.
    route("chat-messages", consumers.chat_messages),
    # A frame came in: a page asks for points, or whether anybody is there.
    route("websocket.receive", dashboard.ws_receive, path=DASHBOARD),
    # A frame came in.
    route("websocket.receive", consumers.ws_receive),
    # A series has points that browsers don't have.
    route("dashboard-points", dashboard.dashboard_points),
    # A browser opens a WebSocket at /dashboard/<name>/.
    route("websocket.connect", dashboard.ws_connect, path=DASHBOARD),
    # A browser opens a WebSocket at /chat/<room>/.
    route("websocket.connect", consumers.ws_connect, path=r"(?s)^/chat/(?P<room>.*?)/?\Z"),
    # A page that shows a user's notifications, without a room.
    route("websocket.connect", consumers.ws_connect_notifications, path=r"^/notifications/?\Z"),
    # A WebSocket at any other path: the room is in ?room=.
    route("websocket.connect", consumers.ws_connect),
    # Every now and then while a socket is open.
    route("websocket.keepalive", dashboard.ws_keepalive, path=DASHBOARD),
    # Every now and then while a socket is open.
    route("websocket.keepalive", consumers.ws_keepalive),
    # A socket closed, from either end.
    route("websocket.disconnect", dashboard.ws_disconnect, path=DASHBOARD),
    # A socket closed, from either end.
    route("websocket.disconnect", consumers.ws_disconnect),
    # A stored message that some bot wants to see.
    route("chat-bots", consumers.chat_bots),
    # Broadcast messages that somebody may have to be notified of.
    route("chat-notify", consumers.chat_notify),
    # A notification on its way through one backend. What waits for other people's servers has a channel of its own.
    route(["notifications", "notifications-out"], notifications),
    # A message that is timed on its way.
    route("dashboard-trip", dashboard.dashboard_trip),
]
