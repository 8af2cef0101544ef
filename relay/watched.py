"""Counting how sockets begin and end."""

from typing import Any

from autobahn.twisted.websocket import WebSocketServerProtocol

from relay.metrics.sockets import EVICTED, HANDSHAKES, closed

TOO_BIG = 1009


class Watched(WebSocketServerProtocol):
    """Autobahn's WebSocketServerProtocol, whose handshake and end are counted."""

    #: How its handshake ended; one of HANDSHAKES. Whoever refuses it says so here.
    outcome = ""

    def count_entry(self) -> None:
        self.outcome = "accepted"
        HANDSHAKES["accepted"].inc()

    def count_end(self, code: int | None) -> None:
        if self.outcome == "accepted":
            closed(code)
        elif not self.outcome:
            HANDSHAKES["abandoned"].inc()

    def failHandshake(self, reason: str, code: int = 400, responseHeaders: Any = None) -> None:
        # Here all come together that are not let in, whoever decides it.
        self.outcome = self.outcome or ("limit" if code == 503 else "malformed")
        HANDSHAKES[self.outcome].inc()
        super().failHandshake(reason, code, responseHeaders)

    def _fail_connection(self, code: int = 1001, reason: str = "going away") -> None:
        if not self.failedByMe:
            EVICTED["too_big" if code == TOO_BIG else "garbled"].inc()
        super()._fail_connection(code, reason)
