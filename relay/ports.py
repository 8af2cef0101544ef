"""Listening: with a queue for storms of connections, and, if asked for, beside other processes on the same port."""

import socket
from typing import Any

from twisted.internet import tcp
from twisted.protocols.tls import TLSMemoryBIOFactory

#: Connections that may wait to be accepted, as far as the system lets (`net.core.somaxconn`). Twisted asks for 50.
BACKLOG = 4096


class Port(tcp.Port):
    """Twisted's, which hangs up on those who have connected and wait to be accepted when it stops listening."""

    def connectionLost(self, reason: Any) -> None:
        self.numberAccepts = BACKLOG
        self.doRead()
        super().connectionLost(reason)


class SharedPort(Port):
    """A port that other processes may listen on as well: the kernel spreads the connections over them."""

    def createInternetSocket(self) -> socket.socket:
        made = super().createInternetSocket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        return made


class Ports:
    """A reactor as far as Twisted's server endpoints need one, with our ports."""

    def __init__(self, reactor: Any, shared: bool = False):
        self.reactor = reactor
        self.port_class = SharedPort if shared else Port

    def __getattr__(self, name: str) -> Any:
        return getattr(self.reactor, name)

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:
        listening = self.port_class(port, factory, max(backlog, BACKLOG), interface, self.reactor)
        listening.startListening()
        return listening

    def listenSSL(
        self,
        port: int,
        factory: Any,
        contextFactory: Any,
        backlog: int = 50,
        interface: str = "",
    ) -> Any:
        return self.listenTCP(port, TLSMemoryBIOFactory(contextFactory, False, factory), backlog, interface)

    def listenUNIX(self, address: str, factory: Any, backlog: int = 50, **options: Any) -> Any:
        return self.reactor.listenUNIX(address, factory, max(backlog, BACKLOG), **options)
