"""A TCP proxy that can lose what a server answers, and hold up what it is asked, as a network does."""

import socket
import threading
import time
from typing import Any


class Proxy:
    """
    Passes connections on to a server. After `lose_next` the next thing that the server answers is not passed on: the
    connection is closed instead, after the server has done what it was asked. After `hold_up` the next connection that
    carries certain bytes is silent for a while. After `halve_next` only a few bytes of the next answer come.
    """

    def __init__(self, port: int):
        self.target = port
        self.losing = threading.Semaphore(0)
        self.halving = threading.Semaphore(0)
        #: Answers halved so far, and the connections, on which nothing more comes.
        self.halved = 0
        self.silent: list[tuple[socket.socket, socket.socket]] = []
        #: Answers lost so far.
        self.lost = 0
        #: What the connection carries that is to be held up, if there is one, and for how many seconds.
        self.hole: tuple[bytes, float] | None = None
        #: Connections held up so far.
        self.held = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *exc_info: Any) -> None:
        self.listener.close()

    def lose_next(self) -> None:
        self.losing.release()

    def halve_next(self) -> None:
        self.halving.release()

    def hold_up(self, needle: bytes, seconds: float) -> None:
        self.hole = (needle, seconds)

    def accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            threading.Thread(target=self.pass_on, args=(client, server), daemon=True).start()
            threading.Thread(target=self.pass_back, args=(server, client), daemon=True).start()

    def pass_on(self, client: socket.socket, server: socket.socket) -> None:
        try:
            while data := client.recv(65536):
                hole = self.hole
                if hole is not None and hole[0] in data:
                    self.hole = None
                    self.held += 1
                    time.sleep(hole[1])
                server.sendall(data)
        except OSError:
            pass  # The other direction has closed both.
        close(server, client)

    def pass_back(self, server: socket.socket, client: socket.socket) -> None:
        try:
            while data := server.recv(65536):
                if self.losing.acquire(blocking=False):
                    self.lost += 1
                    break
                if self.halving.acquire(blocking=False):
                    client.sendall(data[:3])
                    self.halved += 1
                    self.silent.append((server, client))
                    return
                client.sendall(data)
        except OSError:
            pass  # The other direction has closed both.
        close(server, client)


def close(*connections: socket.socket) -> None:
    for connection in connections:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # It is closed already.
        connection.close()
