"""A POST to somebody else's server, of which nothing is read but the status."""

import socket
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from chatapp.notifications.deadline import Deadline


class Session(requests.Session):
    """
    requests' Session, whose time-out is for each read, and which reads all of an answer that leads elsewhere, however
    long it is, also where redirects are not followed (P7).
    """

    def __init__(self, deadline: Deadline):
        super().__init__()
        for scheme in ("http://", "https://"):
            self.mount(scheme, Adapter(deadline))

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: the answer is what it is."""


class Adapter(HTTPAdapter):
    """requests' adapter, whose connections a deadline watches from before the TLS handshake on."""

    def __init__(self, deadline: Deadline):
        self.deadline = deadline
        super().__init__()

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        deadline = self.deadline

        class Watched(pool.ConnectionCls):  # type: ignore[name-defined]
            def _new_conn(self) -> socket.socket:
                connected: socket.socket = super()._new_conn()
                deadline.watch(connected)
                return connected

        pool.ConnectionCls = Watched
        return pool


def post(url: str, body: bytes, headers: dict[str, str], timeout: float) -> int:
    """
    The status of the answer, for whose head there are `timeout` seconds; its body is not read, and redirects are not
    followed. Raises requests.RequestException, and TimeoutError if no status came in time.
    """
    # stream: the body stays where it is.
    options: dict[str, Any] = {"timeout": timeout, "allow_redirects": False, "stream": True}
    with (
        Deadline(timeout) as deadline,
        Session(deadline) as session,
        session.post(url, body, headers=headers, **options) as answer,
    ):
        return answer.status_code
