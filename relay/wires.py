"""The connection of the kernel beneath a Twisted transport, and what of its bytes has not arrived yet."""

import contextlib
import fcntl
import sys
import termios
from typing import Any

from twisted.internet import abstract


def wire_of(transport: Any) -> Any:
    """The transport that writes to the kernel's socket. Under TLS it is below the given one; None if there is none."""
    while transport is not None and not isinstance(transport, abstract.FileDescriptor):
        transport = getattr(transport, "transport", None)
    return transport


def waiting(wire: Any) -> int:
    """Bytes in the buffer of such a transport, which the kernel has not taken yet."""
    count: int = len(wire.dataBuffer) - wire.offset + wire._tempDataLen
    return count


def buffered(transport: Any) -> int:
    """Bytes that wait in a transport, and in the one below it: TLS has a buffer of its own."""
    wire = wire_of(transport)
    in_tls = sum(map(len, getattr(transport, "_appSendBuffer", ())))
    return in_tls + waiting(wire) if wire is not None else 0


def in_kernel(transport: Any) -> int:
    """Bytes that the kernel has and the client has not acknowledged; 0 where the system does not say."""
    with contextlib.suppress(OSError, AttributeError):
        answer = fcntl.ioctl(wire_of(transport).getHandle().fileno(), termios.TIOCOUTQ, bytes(4))
        return int.from_bytes(answer, sys.byteorder)
    return 0
