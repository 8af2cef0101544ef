"""One HTTP request of the interface server."""

import logging
import os
import time
from typing import Any
from urllib.parse import unquote, urlsplit

from daphne import http_protocol
from twisted.protocols.policies import ProtocolWrapper
from twisted.web import http
from twisted.web.http_headers import Headers

from relay.download import PULL, SLICE, WINDOW, Download, post
from relay.headers import (
    CONTROL,
    RETRY_AFTER,
    BadRequest,
    below_root,
    clean,
    of_handshake,
    target_of,
    with_host,
)
from relay.metrics.sockets import HANDSHAKES
from relay.traces import KEY, begin
from relay.uplink import Parcel, size_of

logger = logging.getLogger(__name__)

#: Bytes of a body beyond its limit that are read to be polite, before the connection is cut.
LENIENCE = 16 * 1024 * 1024


class WebRequest(http_protocol.WebRequest):
    """
    Daphne's request, which is sent to the workers without waiting for the layer.

    A body has a limit (E1), headers are checked before anybody believes them (D5, D23, D24), and a response that can't
    be written ends in an error, not in a connection that hangs (E4).
    """

    #: Not a socket's: see relay.fanout.
    state = None
    reply_channel: str | None = None
    reply_begun = False
    too_large = False
    client_addr: list[Any] | None = None
    transport: Any
    sentLength: int
    #: Bytes of its body so far.
    received = 0
    #: What passes a long response on.
    download: Download | None = None

    def __init__(self, *args: Any, **kwargs: Any):
        # Daphne's would note each request as waiting for a reply before it has come in.
        http.Request.__init__(self, *args, **kwargs)
        self.factory = self.channel.factory
        #: Monotonic: when something last happened to it.
        self.active = self.began = time.monotonic()

    # Coming in

    def gotLength(self, length: int | None) -> None:
        self.too_large = length is not None and length > self.factory.body_limit
        # What is refused is read, as HTTP wants it, and kept nowhere.
        super().gotLength(0 if self.too_large else length)

    def handleContentChunk(self, data: bytes) -> None:
        self.received += len(data)
        self.too_large = self.too_large or self.received > self.factory.body_limit
        if not self.too_large:
            super().handleContentChunk(data)
        elif self.is_hopeless(self.received):
            self.channel.forceAbortClient()

    def is_hopeless(self, length: int | None) -> bool:
        """Whether so much of a body is not even read to be polite."""
        return length is not None and length > self.factory.body_limit + LENIENCE

    def parseCookies(self) -> None:
        """Does nothing: workers parse cookies."""

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Twisted's also parses forms in the query and the body, which takes time without a limit (S1)."""
        self.method, self.clientproto = command, version
        self.named_host, self.uri = target_of(path)
        self.path = self.uri.partition(b"?")[0]
        self.process()

    def process(self) -> None:
        wants_socket = (self.requestHeaders.getRawHeaders(b"Upgrade") or [b""])[0].lower() == b"websocket"
        try:
            if self.too_large:
                self.basic_error(413, "The body is larger than RELAY_MAX_BODY_BYTES allows")
            elif wants_socket:
                self.upgrade(self.describe("ws"))
            else:
                self.ask(self.describe("http"))
        except BadRequest as e:
            if wants_socket:
                HANDSHAKES["malformed"].inc()
            self.basic_error(400, str(e))
        except Exception:
            logger.exception("A request could not be taken")
            self.basic_error(500, "The server could not take this request")

    def describe(self, protocol: str) -> dict[str, Any]:
        """What workers are told of a request or a handshake. Raises BadRequest."""
        headers = with_host(clean(self.requestHeaders.getAllRawHeaders()), self.named_host, self.clientproto)
        try:
            # Autobahn reads it in this way, and would say in the log what it can't read.
            urlsplit(self.uri.decode("ascii"))
            path = unquote(self.path.decode("ascii"))
        except ValueError:
            raise BadRequest("The URL can't be read") from None
        if b"#" in self.uri:
            # That part of a URL is for the client alone; Autobahn would write it to the log.
            raise BadRequest("The URL has a fragment")
        if protocol == "http" and CONTROL.search(path):
            raise BadRequest("The path contains control characters")
        # Of a request, Django wants the whole path; what a socket's routes are compared with has no root (P4).
        root = self.factory.root_path
        below = below_root(path, root)
        client = [self.client.host, self.client.port] if hasattr(self.client, "port") else None
        server = [self.host.host, self.host.port] if hasattr(self.host, "port") else None
        scheme = protocol + ("s" if self.isSecure() else "")
        if self.factory.proxies:
            client, believed = self.factory.proxies.client(headers, client, "https" if self.isSecure() else "http")
            scheme = protocol + ("s" if believed == "https" else "")
        self.client_addr = client
        return {
            "path": below or "/" if protocol == "ws" else root + below,
            "root_path": root,
            "scheme": scheme,
            "query_string": self.uri.partition(b"?")[2],
            "headers": headers,
            "client": client,
            "server": server,
        }

    def ask(self, description: dict[str, Any]) -> None:
        """Send it to the workers."""
        if self.factory.closing:
            return self.basic_error(503, "This server is going away")
        if self.factory.uplink.full:
            return self.basic_error(503, "Too many requests are waiting")
        self.reply_channel = self.factory.make_send_channel()
        self.factory.reply_protocols[self.reply_channel] = self
        size = self.content.seek(0, os.SEEK_END)
        self.content.seek(0)
        # A longer body stays here, and the worker asks for its parts.
        fits = size <= self.factory.inline_limit
        body = self.content.read() if fits else b""
        request = {
            "reply_channel": self.reply_channel,
            "http_version": self.clientproto.split(b"/")[-1].decode("ascii"),
            "method": self.method.decode("ascii"),
            "body": body,
            KEY: begin(),
            **description,
        }
        if not fits:
            # Channels' own worker would see an empty body; with `body_channel` it waits for one, and fails.
            request.update(body_size=size, body_channel=self.reply_channel)
        if self.factory.tells_workers:
            request["window"] = WINDOW
        self.request = Parcel("http.request", request, self, size=len(body) + size_of(description))
        self.factory.uplink.send(self.request)

    def upgrade(self, description: dict[str, Any]) -> None:
        """Hand the connection over to a WebSocket, which reads the handshake once more."""
        socket = self.factory.ws_factory.buildProtocol(self.transport.getPeer())
        if socket is None:
            return self.basic_error(500, "No socket could be made")
        socket.set_main_factory(self.factory)
        socket.begin(description, self.path.decode("ascii"))
        # Without the query, which Autobahn would take apart.
        lines = [b" ".join([self.method, self.path, self.clientproto])]
        lines += [name + b": " + value for name, value in of_handshake(description["headers"])]
        transport, self.transport = self.transport, None
        self.channel.leave()
        # The HTTP channel has read its last; it would stay with the socket as what produces for it.
        transport.unregisterProducer()
        if isinstance(transport, ProtocolWrapper):
            # TLS wraps the protocol.
            transport.wrappedProtocol = socket
        else:
            transport.protocol = socket
        socket.makeConnection(transport)
        socket.dataReceived(b"\r\n".join([*lines, b"", b""]))
        transport.resumeProducing()

    # Being sent

    def wants(self, parcel: Parcel) -> bool:
        """Whether it shall be sent: not what nobody waits for any more (E2), nor the end of what was never told."""
        return self.is_waiting if parcel is self.request else not self.request.dropped

    def parcel_sent(self, parcel: Parcel) -> None:
        """Now a worker can see it, and the body is needed here no more."""
        parcel.content = {}

    def parcel_refused(self, parcel: Parcel) -> None:
        if parcel.channel == "http.request" and self.is_waiting:
            self.basic_error(503, "Request queue full")

    @property
    def is_waiting(self) -> bool:
        """Whether a reply may still be written."""
        return self.reply_channel in self.factory.reply_protocols

    # Being answered

    def reply(self, content: dict[str, Any], to_group: bool = False) -> None:
        """Write a response, or a part of one. Raises for what can't be written; call `fail` then."""
        self.active = time.monotonic()
        if "pull" in content:
            return self.send_body(content["pull"], content["mailbox"])
        body = content.get("content", b"")
        if not isinstance(body, bytes):
            raise TypeError("its content is %s, not bytes" % type(body).__name__)
        if not self.reply_begun:
            self.begin_reply(content)
        elif "status" in content:
            raise ValueError("it begins a second response")
        more = content.get("more_content", False)
        if self.download is None and (more or len(body) > SLICE):
            self.download = Download(self)
        if self.download is not None:
            return self.download.add(body, more, content.get("mailbox"))
        self.write(body)
        self.complete()

    def complete(self) -> None:
        self.finish()
        self.log()

    def send_body(self, offset: int, mailbox: str) -> None:
        """A worker wants a part of the body."""
        self.content.seek(offset)
        data = self.content.read(PULL)
        post(self.factory.uplink, mailbox, size=len(data), offset=offset, data=data)

    def begin_reply(self, content: dict[str, Any]) -> None:
        if not isinstance(content.get("status"), int):
            raise ValueError("its status is no number")
        self.setResponseCode(content["status"])
        for name, value in content.get("headers", ()):
            self.responseHeaders.addRawHeader(name.encode("latin1") if isinstance(name, str) else name, value)
        if self.factory.closing:
            self.responseHeaders.setRawHeaders(b"Connection", [b"close"])
            self.channel.persistent = False
        self.reply_begun = True

    def log(self) -> None:
        details = {
            "path": self.path.decode("latin1"),
            "status": self.code,
            "method": self.method.decode("latin1"),
            "client": "%s:%s" % tuple(self.client_addr) if self.client_addr else None,
            "time_taken": time.monotonic() - self.began,
            "size": self.sentLength,
        }
        self.factory.log_action("http", "complete", details)

    def basic_error(self, status: int, text: str) -> None:
        """Answer with an error page of the server's own."""
        title = "%d %s" % (status, http.RESPONSES[status].decode())
        page = (self.error_template % {"title": title, "body": text}).encode()
        headers = [("Content-Type", b"text/html; charset=utf-8")]
        headers += [(name, value.encode()) for name, value in RETRY_AFTER if status == 503]
        self.reply({"status": status, "headers": headers, "content": page})

    def fail(self) -> None:
        """Its reply can't be written: say so if nothing was written yet, else break it off."""
        if self.startedWriting or self.download is not None:
            self.break_off()
        else:
            self.reply_begun = False
            self.responseHeaders = Headers()
            self.basic_error(500, "The response could not be written")

    def break_off(self) -> None:
        """End a response in its middle, so that the client sees that it is not whole."""
        self.factory.reply_protocols.pop(self.reply_channel, None)
        if self.channel is not None:
            self.channel.forceAbortClient()

    def check(self) -> None:
        """Called every two seconds: answer 503 when no worker does; end a response that stopped in its middle."""
        if self.download is not None and self.download.is_slow():
            # It is the client that is waited for.
            self.active = time.monotonic()
        if time.monotonic() - self.active <= self.factory.timeout:
            return
        if self.reply_begun:
            logger.warning("The response for %s stopped in its middle; it is broken off", self.reply_channel)
            self.break_off()
        else:
            self.basic_error(503, "No worker answered in time")

    def connectionLost(self, reason: Any) -> None:
        """The client has left. Who works for it may want to know; nobody has to."""
        if self.factory.reply_protocols.pop(self.reply_channel, None):
            gone = {"reply_channel": self.reply_channel, "path": unquote(self.path.decode("ascii"))}
            self.factory.uplink.send(Parcel("http.disconnect", gone, self))
        if self.download is not None and not self.finished:
            # The log tells what was sent of it, and not what was to be sent (S3).
            self.sentLength = max(0, self.sentLength - self.download.unsent)
            self.download.lost()
            self.log()
        http.Request.connectionLost(self, reason)

    def finish(self) -> None:
        # Daphne would send http.disconnect for each request that was answered, and nobody reads it (D16).
        self.factory.reply_protocols.pop(self.reply_channel, None)
        http.Request.finish(self)
