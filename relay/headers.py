"""What the interface server believes of a request's headers: which it takes at all, and where it came from."""

import ipaddress
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

#: RFC 9110, section 5.6.2.
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
#: What no value may contain.
FORBIDDEN = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
#: The headers of a handshake that Autobahn gets, and what they may not contain: control characters, and U+0085, where
#: Autobahn's `str.splitlines` would begin a new header (D5, CVE-2026-44546). Other headers may be in any charset, and
#: reach workers unchanged (S4). Extensions are left out, since none are supported.
HANDSHAKE = re.compile(rb"host|upgrade|connection|origin|sec-websocket-(?!extensions)[a-z-]+")
FORBIDDEN_IN_HANDSHAKE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f\x85]")
#: The target of a request to a proxy, or to whoever acts as one (RFC 9112, section 3.2.2).
ABSOLUTE = re.compile(rb"https?://(\[[0-9a-f:.]+\](?::\d*)?|[^/?#@\[\]]+)(.*)", re.IGNORECASE | re.DOTALL)
#: Django writes a request's path to its log, where these would be lines of their own (E6). A socket's path is logged by
#: nobody but us, as it was sent.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
#: Bytes of a Content-Type. Python's parser takes time that grows with the square of it (E10).
CONTENT_TYPE_LIMIT = 1024

#: What comes with the server's own 503: in how many seconds to come back.
RETRY_AFTER = [("Retry-After", "5")]

#: Headers in which a proxy may name its client and which are not read. Such a client is unknown; it is not the proxy.
UNREAD = (b"forwarded", b"x-real-ip")

Headers = list[tuple[bytes, bytes]]


class BadRequest(Exception):
    """Raised when a request can't be taken as it is. Its text is the answer's, which has the status 400."""


def clean(raw: Iterable[tuple[bytes, list[bytes]]]) -> Headers:
    """
    The headers as workers get them: names in lower case, each value by itself, all cookies in one. Left out are names
    with an underscore, which Django could not tell from a hyphen, and what is for this server alone. Raises BadRequest.
    """
    headers: Headers = []
    for name, values in raw:
        name = name.lower()
        if not TOKEN.fullmatch(name):
            raise BadRequest("A header has a name that is none")
        for value in values:
            check_value(name, value, FORBIDDEN)
            # Any client can send Daphne-Root-Path, which Daphne takes for the proxy's word (D24).
            if b"_" not in name and name not in (b"daphne-root-path", b"cookie"):
                headers.append((name, value))
        if name == b"cookie":
            # Channels would join them with a comma, in which cookies are lost (RFC 9113, section 8.2.3).
            headers.append((name, b"; ".join(values)))
    if len(only(headers, b"content-type")) > CONTENT_TYPE_LIMIT:
        raise BadRequest("The header content-type is too long")
    return headers


def of_handshake(headers: Headers) -> Headers:
    """Those that Autobahn reads. Raises BadRequest."""
    found = [(name, value) for name, value in headers if HANDSHAKE.fullmatch(name)]
    for name, value in found:
        check_value(name, value, FORBIDDEN_IN_HANDSHAKE)
    return found


def check_value(name: bytes, value: bytes, forbidden: re.Pattern[bytes]) -> None:
    """Raises BadRequest for a header's value that contains what it may not."""
    if forbidden.search(value):
        raise BadRequest("The header %s contains control characters" % name.decode("ascii"))


def target_of(uri: bytes) -> tuple[bytes, bytes]:
    """The host that the target of a request names, if it does, and its path with the query."""
    absolute = ABSOLUTE.fullmatch(uri)
    if not absolute:
        return b"", uri
    host, rest = absolute.groups()
    return host, rest if rest.startswith(b"/") else b"/" + rest


def below_root(path: str, root: str) -> str:
    """A path without that of the application (`/sub`), which a proxy may have taken from it, or not."""
    return path[len(root) :] if path == root or path.startswith(root + "/") else path


def with_host(headers: Headers, host: bytes, version: bytes) -> Headers:
    """
    The headers with the one host that the request is for: what its target names counts, else there must be one header
    (RFC 9112, section 3.2). Raises BadRequest.
    """
    if not (host or values(headers, b"host")) and version == b"HTTP/1.1":
        raise BadRequest("There is no header host")
    only(headers, b"host")
    return [(b"host", host), *((name, value) for name, value in headers if name != b"host")] if host else headers


def values(headers: Headers, wanted: bytes) -> list[bytes]:
    return [value for name, value in headers if name == wanted]


def only(headers: Headers, wanted: bytes) -> bytes:
    """The value of a header that may come once; empty if it doesn't come. Raises BadRequest."""
    found = values(headers, wanted)
    if len(found) > 1:
        raise BadRequest("There is more than one header %s" % wanted.decode("ascii"))
    return found[0] if found else b""


class Origins:
    """
    Which pages may open a socket (F1): those of this server, by the Host header, and those of the `allowed` origins,
    which are written as browsers send them (`https://chat.example.com`); `*` allows any.

    A client that sends no Origin is no browser: nobody's cookies come with it but those it was given.
    """

    def __init__(self, allowed: Iterable[str] = ()):
        self.allowed = {origin.lower().rstrip("/") for origin in allowed}

    def allow(self, headers: Headers, secure: bool = False) -> bool:
        """secure: it comes by TLS, so a page that did not is another's, put there on the way. Raises BadRequest."""
        origin = only(headers, b"origin").decode("latin1").lower()
        if not origin or "*" in self.allowed or origin in self.allowed:
            return True
        parts = urlsplit(origin)
        host = only(headers, b"host").decode("latin1").lower()
        schemes = ("https",) if secure else ("http", "https")
        return parts.scheme in schemes and bool(host) and parts.netloc == host


class Proxies:
    """
    Where a request came from, as far as the proxies in front say so and are trusted (D23).

    trusted: addresses and networks; `*` is any. A peer on a Unix socket is trusted: whoever can reach it is local.
    """

    def __init__(self, trusted: Iterable[str] = ("127.0.0.1", "::1")):
        names = list(trusted)
        self.anyone = "*" in names
        self.networks = [ipaddress.ip_network(name, strict=False) for name in names if name != "*"]

    def trusts(self, host: str | None) -> bool:
        return host is None or self.anyone or self.knows(host)

    def knows(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        # Who comes by IPv4 to a port that is for both looks like ::ffff:127.0.0.1.
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in network for network in self.networks)

    def client(self, headers: Headers, peer: list[Any] | None, scheme: str) -> tuple[list[Any] | None, str]:
        """
        The client's address and scheme: the last address in X-Forwarded-For that is not a known proxy's. What stands
        before it, anybody may have written.

        The address is None if the proxy names a client but gives no valid address, such as `unknown`. Such a client
        never counts as the proxy, which may have rights of its own (S2).
        """
        if not self.trusts(peer[0] if peer else None):
            return peer, scheme
        proto = last(headers, b"x-forwarded-proto").lower()
        if proto in ("http", "https"):
            scheme = proto
        if not values(headers, b"x-forwarded-for"):
            is_hidden = any(values(headers, name) for name in UNREAD)
            return None if is_hidden else peer, scheme
        chain = [address_of(text) for text in listed(headers, b"x-forwarded-for")] or [""]
        while len(chain) > 1 and self.knows(chain[-1]):
            chain.pop()
        if not chain[-1]:
            return None, scheme
        port = last(headers, b"x-forwarded-port")
        return [chain[-1], int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0], scheme


def listed(headers: Headers, name: bytes) -> list[str]:
    """The parts of a list header, which may stand on several lines."""
    text = ",".join(value.decode("latin1") for value in values(headers, name))
    return [part.strip() for part in text.split(",") if part.strip()]


def last(headers: Headers, name: bytes) -> str:
    parts = listed(headers, name)
    return parts[-1] if parts else ""


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    return LOOPBACK.knows(host)


def address_of(text: str) -> str:
    """The address in a part of X-Forwarded-For, where some proxies write a port as well; empty if there is none."""
    bare = re.fullmatch(r"\[([^\[\]]*)\](?::\d*)?|([\d.]*):\d*", text.strip('"'))
    host = (bare[1] or bare[2] or "") if bare else text
    try:
        return "" if "%" in host else str(ipaddress.ip_address(host))
    except ValueError:
        return ""


LOOPBACK = Proxies(("127.0.0.0/8", "::1"))
