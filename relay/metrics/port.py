"""A port on which one process shows what it has measured itself, whatever else is away: prometheus_client's server."""

import logging
from argparse import ArgumentParser, ArgumentTypeError
from typing import NamedTuple

from prometheus_client import start_http_server

logger = logging.getLogger(__name__)


class Address(NamedTuple):
    """Where to listen."""

    host: str
    port: int


def address(text: str) -> Address:
    """The address in `[host:]port`; without a host this machine's own, since whoever reaches it can read it all."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 65536):
        raise ArgumentTypeError("%r is neither a port nor host:port" % text)
    return Address(host.strip("[]") or "127.0.0.1", int(port))


def add_metrics_argument(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--metrics-port",
        type=address,
        default=None,
        metavar="[HOST:]PORT",
        help="show this process's own metrics there, for Prometheus, also while the channel layer is away "
        "(default: nowhere; without a host, on 127.0.0.1 only)",
    )


def open_port(at: Address | None) -> None:
    """Listen, in a thread. Raises OSError if that can't be."""
    if at is not None:
        start_http_server(at.port, addr=at.host)
        logger.info("Shows its metrics at http://%s:%d/metrics", at.host, at.port)
