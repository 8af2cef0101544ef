"""One WebSocket of the interface server."""

import time
from typing import Any

from daphne import ws_protocol


class WebSocketProtocol(ws_protocol.WebSocketProtocol):
    """
    Daphne's WebSocket, which knows whether its peer lives.

    Daphne counts what it *sends* as a sign of life, so a dead client in a busy room is never pinged (D6);
    and it pings again before the first ping is answered, which leaves a timer that closes a slow but living client
    (D7). Here only what comes in counts, and there is one ping at a time.
    """

    def onConnect(self, request: Any) -> Any:
        #: Monotonic times: when something last came from the peer, and when the last keepalive was sent.
        self.heard = self.kept_alive = time.monotonic()
        return super().onConnect(request)

    def onOpen(self) -> None:
        # A socket that waited long for its accept has just been entered: its first keepalive need not come at once.
        self.heard = self.kept_alive = time.monotonic()
        super().onOpen()

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        self.heard = time.monotonic()
        super().onMessage(payload, isBinary)

    def onPong(self, payload: bytes) -> None:
        self.heard = time.monotonic()
        super().onPong(payload)

    def check_ping(self) -> None:
        """Called every two seconds. A ping that is not answered within `--ping-timeout` closes the socket."""
        if self.state != self.STATE_OPEN:
            return super().check_ping()
        silent = time.monotonic() - self.heard
        if silent > self.main_factory.ping_interval and not self.autoPingPending:
            self._sendAutoPing()

    def is_due(self, interval: float) -> bool:
        """Whether this socket is open and had its last keepalive at least `interval` seconds ago."""
        return self.state == self.STATE_OPEN and time.monotonic() - self.kept_alive >= interval

    def hurry_keepalive(self, interval: float, delay: float) -> None:
        """Be due for the next keepalive in `delay` seconds, or earlier if that was so."""
        self.kept_alive = min(self.kept_alive, time.monotonic() - interval + delay)

    def send_keepalive(self) -> None:
        """Put `websocket.keepalive` on the layer. Raises what the layer raises; the socket then stays due."""
        self.channel_layer.send(
            "websocket.keepalive", {"reply_channel": self.reply_channel, "path": self.request_info["path"]}
        )
        self.kept_alive = time.monotonic()
