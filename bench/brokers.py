"""Peers that need no program of ours: servers that hand on what they are told. All are Debian 12's packages."""

import itertools
import os
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import psutil

from bench.crowd import Client, Place, Room, Step, masked
from bench.deployments import BARE_LENGTH, PATIENCE, PEERS, TEXT_LENGTH, Deployment


class FromDebian(Deployment):
    """A server of Debian's, unpacked into a folder of its own: nothing is installed into the system."""

    #: The packages, in the versions that the title states, with what they need that a small Debian has not.
    packages: tuple[str, ...] = ()
    root = PEERS
    #: Its program below `root`.
    program = ""
    needs_redis = False

    @classmethod
    def absent(cls) -> str | None:
        try:
            if not cls.root.exists():
                cls.unpack()
            lacking = cls.lacking()
        except (OSError, subprocess.CalledProcessError) as e:
            return "Debian 12's packages can't be had: %s" % (getattr(e, "stderr", None) or e)
        return "it needs %s" % ", ".join(lacking) if lacking else None

    @classmethod
    def unpack(cls) -> None:
        folder = cls.root.with_name(cls.root.name + ".new")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        options: dict[str, Any] = {"cwd": folder, "capture_output": True, "text": True}
        download = ["apt-get", "download", "-q", *cls.packages]
        if subprocess.run(download, **options).returncode:
            subprocess.run(["apt-get", "update", "-q"], **options)
            subprocess.run(download, check=True, **options)
        for package in folder.glob("*.deb"):
            subprocess.run(["dpkg", "-x", package.name, "."], check=True, **options)
            package.unlink()
        folder.rename(cls.root)

    @classmethod
    def find_program(cls) -> Path:
        return next(cls.root.glob(cls.program))

    @classmethod
    def library_path(cls) -> str:
        return ":".join(str(folder) for folder in cls.root.glob("usr/lib/*-linux-gnu"))

    @classmethod
    def lacking(cls) -> list[str]:
        """The shared libraries that its program and its modules do not find."""
        files = [cls.find_program(), *cls.root.glob("usr/lib/**/*.so")]
        environment = {**os.environ, "LD_LIBRARY_PATH": cls.library_path()}
        found = subprocess.run(["ldd", *map(str, files)], env=environment, capture_output=True, text=True).stdout
        return sorted({line.split()[0] for line in found.splitlines() if "not found" in line})

    def configure(self, name: str, text: str, **values: object) -> Path:
        file = self.folder / name
        file.write_text(text % {"root": self.root, "folder": self.folder, "port": self.port, **values})
        return file


class Nchan(FromDebian):
    """
    nchan 1.3.6 in nginx 1.22, one worker, messages in memory. They are published by HTTP, through one connection; a
    channel keeps its last hundred. No compression; nothing is saved.
    """

    name = "nchan"
    title = "nchan 1.3.6, one worker, published by HTTP"
    left_out = {"hot room": "it numbers the messages of one second with 15 bits, and a channel with more of them stops"}
    packages = ("nginx=1.22.*", "libnginx-mod-nchan=1:1.3.6*", "libhiredis0.14")
    root = PEERS / "nchan"
    program = "usr/sbin/nginx"

    @classmethod
    def absent(cls) -> str | None:
        try:
            # Debian's nginx wants this folder, whatever its configuration says.
            Path("/var/lib/nginx").mkdir(parents=True, exist_ok=True)
        except OSError as e:
            return "it needs /var/lib/nginx: %s" % e
        return super().absent()

    def start_all(self) -> None:
        configuration = self.configure(
            "nginx.conf",
            """
            load_module %(root)s/usr/lib/nginx/modules/ngx_nchan_module.so;
            daemon off; master_process on; worker_processes 1; pid %(folder)s/nginx.pid; error_log %(folder)s/error.log;
            worker_rlimit_nofile 20000;
            %(user)s
            events { worker_connections 16384; }
            http {
              access_log off; keepalive_requests 1000000000; keepalive_timeout 10h;
              client_body_temp_path %(folder)s/body; proxy_temp_path %(folder)s/p; fastcgi_temp_path %(folder)s/f;
              uwsgi_temp_path %(folder)s/u; scgi_temp_path %(folder)s/s; nchan_shared_memory_size 256M;
              server { listen 127.0.0.1:%(port)d backlog=4096;
                location ~ ^/publish/(.+)$ {
                  nchan_publisher; nchan_channel_id $1; nchan_message_buffer_length 100;
                }
                location ~ ^/(.+)$ {
                  nchan_subscriber websocket; nchan_channel_id $1; nchan_subscriber_first_message newest;
                }
              }
            }""",
            user="user root;" if os.getuid() == 0 else "",
        )
        self.environment["LD_LIBRARY_PATH"] = self.library_path()
        options = ["-p", str(self.folder), "-c", str(configuration), "-e", str(self.folder / "error.log")]
        master = psutil.Process(self.start(str(self.find_program()), *options).pid)
        self.wait_until_up()
        deadline = time.monotonic() + PATIENCE
        while not (workers := master.children()) and time.monotonic() < deadline:
            time.sleep(0.05)
        # The worker holds the sockets; of a server only its number is asked.
        self.servers = list(workers)
        self.publisher = socket.create_connection(("127.0.0.1", self.port))

    def say(self, client: Client, due: float | None = None) -> None:
        try:
            self.publisher.recv(262144, socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass  # There was no answer yet.
        head = b"POST /publish%s HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n"
        text = client.room.next(due).ljust(BARE_LENGTH, b"x")
        self.publisher.sendall(head % (client.room.place.path.encode(), BARE_LENGTH) + text)

    def stop(self) -> None:
        if hasattr(self, "publisher"):
            self.publisher.close()
        super().stop()


class Mosquitto(FromDebian):
    """
    Mosquitto 2.0.11, which is one process with one thread, MQTT 3.1.1 over WebSocket: a room is a topic, and a message
    is published with quality of service 0. No limits to its queues; no keepalive, compression or persistence. It looks
    for new WebSockets only ten times a second, since Debian's libwebsockets has no external poll; nor would it start
    without another listener, which nobody uses here. Messages do not wait for that.
    """

    name = "mosquitto"
    title = "Mosquitto 2.0.11, MQTT over WebSocket, QoS 0"
    left_out = {
        name: "Debian's build looks for new WebSockets only ten times a second" for name in ("connections", "storm")
    }
    packages = ("mosquitto=2.0.11-*", "libcjson1", "libdlt2", "libwrap0")
    root = PEERS / "mosquitto"
    program = "usr/sbin/mosquitto"

    def start_all(self) -> None:
        configuration = self.configure(
            "mosquitto.conf",
            """
listener 0 %(folder)s/unix
listener %(port)d 127.0.0.1
protocol websockets
socket_domain ipv4
max_connections -1
allow_anonymous true
persistence false
max_queued_messages 0
max_queued_bytes 0
max_inflight_messages 0
set_tcp_nodelay true
sys_interval 0
log_dest stderr
log_type error
log_type warning
connection_messages false
%(user)s
""",
            user="user root" if os.getuid() == 0 else "",
        )
        self.environment["LD_LIBRARY_PATH"] = self.library_path()
        self.start(str(self.find_program()), "-c", str(configuration), serves=True)

    def place(self, room: str) -> Place:
        # Clean session, no keepalive, no name: it gives the client one.
        connect = mqtt(0x10, counted("MQTT") + b"\x04\x02\x00\x00" + counted(""))
        subscribe = mqtt(0x82, b"\x00\x01" + counted(room) + b"\x00")
        return Place(
            "/%s" % room,
            (
                (masked(connect, opcode=2), b"\x20\x02\x00\x00"),
                (masked(subscribe, opcode=2), b"\x90\x03\x00\x01\x00"),
            ),
            ("Sec-WebSocket-Protocol: mqtt",),
        )

    def frame(self, room: Room, text: str) -> bytes:
        topic = counted(room.place.path.strip("/"))
        return masked(mqtt(0x30, topic + text.encode().ljust(BARE_LENGTH, b"x")), opcode=2)


def counted(text: str) -> bytes:
    return len(text).to_bytes(2, "big") + text.encode()


def mqtt(kind: int, body: bytes) -> bytes:
    """A packet: what it is, its length with seven bits in each byte, and its body."""
    length, left = b"", len(body)
    while left > 127:
        length += bytes([0x80 | left & 127])
        left >>= 7
    return bytes([kind]) + length + bytes([left]) + body


class Ejabberd(FromDebian):
    """
    ejabberd 23.01 on Erlang 25, one node, XMPP over WebSocket (RFC 7395), anonymous accounts: a room is one of
    mod_muc's, with its archive (mod_mam) in SQLite, which it recommends for small servers, with a write-ahead log. A
    message is stored before it is sent. No shapers; who comes hears nothing older, and is not announced to the room.
    """

    name = "ejabberd"
    title = "ejabberd 23.01, MUC with archive in SQLite"
    database = "sqlite"
    packages = (
        "ejabberd=23.01-*",
        "erlang-base=1:25.*",
        *("erlang-" + name for name in ("asn1", "base64url", "crypto", "idna", "inets", "jiffy", "jose", "mnesia")),
        *("erlang-" + name for name in ("os-mon", "public-key", "ssl", "syntax-tools", "unicode-util-compat", "xmerl")),
        *("erlang-p1-" + name for name in ("acme", "cache-tab", "eimp", "mqtree", "pkix", "sqlite3", "stringprep")),
        *("erlang-p1-" + name for name in ("tls", "utils", "xml", "xmpp", "yaml", "yconf", "zlib")),
    )
    root = PEERS / "ejabberd"
    program = "usr/lib/erlang/erts-*/bin/beam.smp"
    host = "localhost"

    def start_all(self) -> None:
        schema = next(self.root.glob("usr/lib/*/ejabberd-*/priv/sql/lite.sql"))
        database = sqlite3.connect(self.folder / "chat.sqlite3")
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(schema.read_text())
        database.close()
        configuration = self.configure(
            "ejabberd.yml",
            """
hosts: [%(host)s]
loglevel: warning
log_rotate_count: 0
listen:
  - port: %(port)d
    ip: "127.0.0.1"
    backlog: 4096
    module: ejabberd_http
    request_handlers:
      /ws: ejabberd_http_ws
auth_method: anonymous
anonymous_protocol: sasl_anon
websocket_ping_interval: 10 hours
websocket_timeout: 10 hours
max_fsm_queue: 1000000
default_db: sql
sql_type: sqlite
sql_database: "%(folder)s/chat.sqlite3"
access_rules:
  anyone:
    allow: all
shaper_rules:
  max_user_sessions: infinity
  c2s_shaper: none
modules:
  mod_mam: {}
  mod_muc:
    db_type: mnesia
    host: rooms.%(host)s
    access: anyone
    access_create: anyone
    history_size: 0
    max_users: 100000
    max_users_presence: 0
    min_message_interval: 0
    room_shaper: none
    user_message_shaper: none
    user_presence_shaper: none
    default_room_options:
      mam: true
      max_users: 100000
      presence_broadcast: []
""",
            host=self.host,
        )
        binaries = self.find_program().parent
        self.environment |= {
            "ROOTDIR": str(self.root / "usr/lib/erlang"),
            "BINDIR": str(binaries),
            "EMU": "beam",
            "PROGNAME": "erl",
            "HOME": str(self.folder),
            "ERL_LIBS": self.library_path(),
            "ERL_CRASH_DUMP": str(self.folder / "crash"),
            "EJABBERD_CONFIG_PATH": str(configuration),
            "EJABBERD_LOG_PATH": str(self.folder / "ejabberd.log"),
        }
        mnesia = ["-mnesia", "dir", '"%s"' % (self.folder / "mnesia")]
        # What ejabberdctl says, without a name for the node: a cluster of one needs none.
        command = [str(binaries / "erlexec"), "-noinput", "+K", "true", "+P", "250000", *mnesia, "-s", "ejabberd"]
        self.start(*command, serves=True, cwd=self.folder)

    def place(self, room: str) -> Place:
        open_it = '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="%s" version="1.0"/>' % self.host
        auth = '<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="ANONYMOUS"/>'
        bind = '<bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"><resource>bench</resource></bind>'
        occupant = quoteattr("%s/%s" % (self.address(room), Named.WHO))
        enter = '<presence to=%s><x xmlns="http://jabber.org/protocol/muc"/></presence>' % occupant
        steps = (
            (open_it, "</stream:features>"),
            (auth, "<success"),
            (open_it, "</stream:features>"),
            ('<iq type="set" id="bind">%s</iq>' % bind, "</iq>"),
            (enter, "<subject"),
        )
        frames = Named((masked(said.encode()), awaited.encode()) for said, awaited in steps)
        return Place("/ws?%s" % room, frames, ("Sec-WebSocket-Protocol: xmpp",))

    def frame(self, room: Room, text: str) -> bytes:
        to = quoteattr(self.address(room.place.path.partition("?")[2]))
        body = '<message type="groupchat" to=%s><body>%s</body></message>' % (to, text.ljust(TEXT_LENGTH, "x"))
        return masked(body.encode())

    def address(self, room: str) -> str:
        return "%s@rooms.%s" % (room, self.host)


class Named(tuple[Step, ...]):
    """Steps in which each socket, when it takes them, gets a name of its own: a room has no two of the same."""

    WHO = "name-000000"
    numbers = itertools.count(1)

    def __iter__(self) -> Iterator[Step]:
        name = b"name-%06d" % next(self.numbers)
        for said, awaited in super().__iter__():
            yield said.replace(self.WHO.encode(), name), awaited
