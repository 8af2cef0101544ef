"""A time limit for everything that is said on connections to somebody else's server."""

import socket
import threading
from types import TracebackType


class Deadline:
    """
    A context manager that cuts off the connections it watches when it has lasted for `seconds`, and then raises
    TimeoutError instead of what came of that. A socket's own time-out counts from each byte, so a server that drips one
    now and then holds a worker for as long as it likes (P7).
    """

    def __init__(self, seconds: float):
        self.seconds = seconds
        self.is_over = False
        self.lock = threading.Lock()
        self.sockets: list[socket.socket] = []
        self.timer = threading.Timer(seconds, self.cut_off)
        self.timer.daemon = True

    def __enter__(self) -> "Deadline":
        self.timer.start()
        return self

    def watch(self, connected: socket.socket) -> None:
        """Cut this one off, too, also if it is wrapped in TLS later: a second handle of the connection is kept."""
        with self.lock:
            self.sockets.append(connected.dup())
            if self.is_over:
                shut_down(connected)

    def cut_off(self) -> None:
        with self.lock:
            self.is_over = True
            for connected in self.sockets:
                shut_down(connected)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.timer.cancel()
        with self.lock:
            for connected in self.sockets:
                connected.close()
            self.sockets.clear()
        if self.is_over and isinstance(error, Exception):
            # What it was cut off in may name a URL or a password.
            raise TimeoutError("Not done within %g s" % self.seconds) from None


def shut_down(connected: socket.socket) -> None:
    try:
        connected.shutdown(socket.SHUT_RDWR)
    except OSError:
        # The other end was faster.
        pass
