"""Peers on Node.js."""

import json
import shutil
import subprocess
from pathlib import Path

from bench.crowd import Place, Room, masked
from bench.deployments import BARE_LENGTH, PEERS, SCRIPTS, Deployment, install_once


def install(folder: Path) -> str | None:
    """Install what package.json wants, once. Returns why that can't be."""
    wanted = (SCRIPTS / "package.json").read_text()

    def run_npm() -> None:
        (folder / "package.json").write_text(wanted)
        npm = ["npm", "install", "--no-audit", "--no-fund"]
        subprocess.run(npm, cwd=folder, check=True, capture_output=True, text=True)

    return install_once(folder, wanted, run_npm) if shutil.which("node") else "there is no node on the PATH"


class OnNode(Deployment):
    """One script of bench/peers."""

    script = ""
    folder_of_peer = PEERS / "node"

    @classmethod
    def absent(cls) -> str | None:
        return install(cls.folder_of_peer)

    def start_all(self) -> None:
        self.environment |= {
            "NODE_ENV": "production",
            "NODE_PATH": str(self.folder_of_peer / "node_modules"),
            "PORT": str(self.port),
        }
        self.start("node", str(SCRIPTS / self.script), serves=True)


class SocketIO(OnNode):
    """
    Socket.IO 4.8 with the Redis adapter: two processes of node's cluster, which share the port, and the process that
    hands them their sockets. WebSocket only, so that they need no sticky sessions; bufferutil as its manual says; no
    compression, no connection state recovery; pings once an hour. Nothing is saved.
    """

    name = "socketio"
    title = "Socket.IO 4.8, Redis adapter, 2 processes"
    script = "socketio.js"

    def place(self, room: str) -> Place:
        connect = masked(b"40" + json.dumps({"room": room}).encode())
        return Place("/socket.io/?EIO=4&transport=websocket", ((connect, b'40{"sid"'),))

    def frame(self, room: Room, text: str) -> bytes:
        return masked(b"42" + json.dumps(["say", text.ljust(BARE_LENGTH, "x")]).encode())


class SocketIOSaving(SocketIO):
    """
    The same, storing in PostgreSQL: a row for each message with the columns and indexes of Parley's, before it is sent.
    pg's pool, ten connections for each process, and a prepared statement; one sender's messages keep their order.
    """

    name = "socketio-postgresql"
    title = "Socket.IO 4.8, Redis adapter, 2 processes, PostgreSQL"
    database = "postgresql"

    def start_all(self) -> None:
        self.environment |= {"PGHOST": str(self.postgres_socket), "PGUSER": "postgres", "PGDATABASE": "postgres"}
        super().start_all()


class NodeWs(OnNode):
    """ws 8 in one process, with bufferutil: rooms are sets of sockets in memory. No compression; nothing is saved."""

    name = "ws"
    title = "Node ws 8, one process"
    needs_redis = False
    script = "ws.js"
