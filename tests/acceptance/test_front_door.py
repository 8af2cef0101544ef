"""A real interface server, whose access log is on a full disk, under whatever hostile clients send."""

import contextlib
import socket
import threading
import time
from collections import Counter

from tests.deployments import procfile
from tests.fuzz import test_time as shapes
from tests.interface import handshake, masked, read_until

SIZE = 1_000_000
#: Seconds that a ping of somebody else may take: alone on a machine it is less than a tenth of it.
PATIENCE = 1.0
#: Pings while bytes of one shape come.
ENOUGH = 5
PONG = b"\x8a\x00"


def attack(port, first, data):
    """Send it all, unless the server has enough of it."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection, contextlib.suppress(OSError):
        if first:
            connection.sendall(first)
            read_until(connection, b"\r\n\r\n")
        # A socket that sends too much is not read for a while, and need not be waited for.
        connection.settimeout(0.5)
        connection.sendall(data)
        connection.recv(1024)


class Pings(threading.Thread):
    """Somebody who pings, and notes how long each takes."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection.sendall(handshake(path=b"/chat/lobby/"))
        read_until(self.connection, b"welcome")
        self.worst = {}
        self.count = Counter()
        self.now = "nothing"
        self.ended = False

    def run(self):
        while not self.ended:
            during, begun = self.now, time.monotonic()
            self.connection.sendall(masked(b"", 9))
            read_until(self.connection, PONG)
            self.worst[during] = max(self.worst.get(during, 0), time.monotonic() - begun)
            self.count[during] += 1
            # Within the rate of frames.
            time.sleep(0.02)


def test_pings_go_on_whatever_others_send_and_though_the_log_is_full(deployment):
    """S1, S7."""
    chat = deployment().start_all(procfile()["web"] + " --access-log /dev/full", workers=1)
    attacks = {name: (b"", make(SIZE)) for name, make in shapes.REQUESTS.items()}
    attacks |= {name: (b"", make(15_000)) for name, make in shapes.HEADS.items()}
    attacks |= {name: (handshake(path=b"/chat/lobby/"), make(400_000)) for name, make in shapes.FRAMES.items()}
    pings = Pings(chat.port)
    pings.start()
    for name, (first, pieces) in attacks.items():
        pings.now = name
        data = b"".join(pieces)
        while pings.count[name] < ENOUGH:
            attack(chat.port, first, data)
    pings.ended = True
    pings.join()
    pings.connection.close()
    slow = {name: seconds for name, seconds in pings.worst.items() if seconds > PATIENCE}
    worst = max(pings.worst, key=pings.worst.__getitem__)
    print("\nThe worst ping took %.0f ms, during %s" % (1000 * pings.worst[worst], worst))
    assert not slow
    assert chat.get("/healthz")[0] == 200
    assert chat.log(chat.web).count("The access log can't be written") == 1
