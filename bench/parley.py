"""Parley as it is deployed, and its parts without the chat."""

import json
import subprocess
import sys
import uuid
from pathlib import Path

from bench.crowd import Client, Place, Room, masked
from bench.deployments import BARE_LENGTH, TEXT_LENGTH, Deployment
from deploy.up import ROOT, free_port


class OnRelay(Deployment):
    """relay's interface server with some application."""

    def start_interface_server(self, application: str, *options: str, port: int | None = None) -> None:
        bind = ["--bind", "127.0.0.1", "--port", str(port or self.port), "--access-log", "/dev/null", *options]
        self.start(sys.executable, "-m", "relay.daphne", *bind, application, serves=True)


class Parley(OnRelay):
    """The chat as it is deployed: Redis, one interface server, two workers. What is said is stored first."""

    name = "parley"
    title = "Parley, SQLite"
    database = "sqlite"
    left_out: dict[str, str] = {}
    #: How many of each.
    web, workers = 1, 2

    def __init__(self, folder: Path):
        super().__init__(folder)
        self.environment |= {
            "SECRET_KEY": "bench",
            "CHAT_RATE_LIMIT": "0",
            "CHAT_GUEST_ROOMS": "100000",
            # Nobody talks but the crowd.
            "CHAT_CANARY_INTERVAL": "0",
            "RELAY_FRAME_RATE": "0",
            "CHANNEL_PREFIX": "bench:",
        }

    def start_all(self) -> None:
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=self.environment, check=True)
        for _ in range(self.web):
            self.start_server()
        for _ in range(self.workers):
            self.start(sys.executable, "manage.py", "runworker")

    def start_server(self, port: int | None = None) -> None:
        """Start an interface server; several may share the port."""
        self.start_interface_server("project.asgi:channel_layer", "--reuse-port", port=port)

    def start_server_elsewhere(self) -> int:
        """One more, on a port of its own, which is returned."""
        port, usual = free_port(), self.port
        self.start_server(port)
        self.port = port
        self.wait_until_up()
        self.port = usual
        return port

    def kill_server(self) -> None:
        """Kill the first interface server: it has no time for anything."""
        server = self.servers.pop(0)
        server.kill()
        server.wait()
        self.processes.remove(server)

    def place(self, room: str) -> Place:
        return Place("/chat/%s/" % room, ((b"", b'"welcome"'),))

    def place_with_history(self, room: str) -> Place:
        """As a browser comes: it asks for the last page, too."""
        ask = masked(b'{"type": "history", "before": 1000000000, "limit": 50}')
        return Place("/chat/%s/" % room, ((b"", b'"welcome"'), (ask, b'"complete"')))

    def place_since(self, room: str, seq: int) -> Place:
        """As a browser comes back that has everything up to this number."""
        return Place("/chat/%s/?since=%d" % (room, seq), ((b"", b'"welcome"'),))

    def frame(self, room: Room, text: str) -> bytes:
        content = {"message": text.ljust(TEXT_LENGTH, "x"), "client_id": uuid.uuid4().hex}
        return masked(json.dumps(content).encode())


class ParleyOnPostgres(Parley):
    """The same, storing in PostgreSQL."""

    name = "parley-postgresql"
    title = "Parley, PostgreSQL"
    database = "postgresql"


class ParleyAlone(Parley):
    """The same without Redis: messages travel through SQLite."""

    name = "parley-sqlite-alone"
    title = "Parley, SQLite alone"
    needs_redis = False


class ParleyOnPostgresAlone(ParleyOnPostgres):
    """The same without Redis: messages travel through PostgreSQL."""

    name = "parley-postgresql-alone"
    title = "Parley, PostgreSQL alone"
    needs_redis = False


class Plain(OnRelay):
    """The interface server and two workers with the smallest application: what one says is sent to all."""

    name = "plain"
    title = "relay, nothing stored"

    def start_all(self) -> None:
        self.start_interface_server("bench.plain:channel_layer")
        for _ in range(2):
            self.start(sys.executable, "-c", "import bench.plain; bench.plain.work()")


class Ready(Plain):
    """The same, where messages are put into the group from outside, eight at a time: the most that it can send."""

    name = "ready"
    title = "relay, frames from outside, eight at a time"
    left_out = {
        name: "its messages come from outside, eight at a time"
        for name in ("small rooms", "medium rooms", "hot room", "idle", "connections", "memory", "storm")
    }
    batch = 8

    def start_all(self) -> None:
        super().start_all()
        from relay.layers.redis import RedisChannelLayer

        self.layer = RedisChannelLayer(hosts=[self.redis_url], prefix="plain:", capacity=100_000)
        self.texts: list[tuple[str, dict[str, str]]] = []

    def say(self, client: Client, due: float | None = None) -> None:
        text = client.room.next(due).decode().ljust(BARE_LENGTH, "x")
        self.texts.append((client.room.place.path.strip("/"), {"text": text}))
        if len(self.texts) == self.batch:
            self.flush()

    def flush(self) -> None:
        self.layer.send_to_groups(self.texts)
        self.texts.clear()
