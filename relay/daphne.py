"""
The interface server's command line: `python -m relay.daphne project.asgi:channel_layer`.

It takes every flag of `daphne`, and its own.
"""

import argparse
import importlib
import logging
import sys
from typing import Any

from daphne import cli
from daphne.access import AccessLogGenerator
from daphne.server import build_endpoint_description_strings

from relay.deployment import claim
from relay.exceptions import PrefixTaken
from relay.logs import add_logging_arguments, be_heard, log_as_json
from relay.metrics.port import Address, add_metrics_argument, open_port
from relay.server import CANNOT_LISTEN, Server

# Run as a command, this module is called "__main__".
logger = logging.getLogger("relay.daphne")

#: What the process exits with when another deployment uses the prefix of its channel layer.
REFUSED = 1


class CommandLineInterface(cli.CommandLineInterface):
    """Daphne's command line, running our Server."""

    description = "Interface server: it holds the sockets, and passes on what they say to the workers."

    def __init__(self) -> None:
        super().__init__()
        self.parser.prog = "python -m relay.daphne"
        # Daphne gives a handshake 5 s, which a login storm exceeds (D8). Autobahn's own limit is not used.
        self.parser.set_defaults(websocket_connect_timeout=20)
        add_server_arguments(self.parser)
        add_logging_arguments(self.parser)

    def run(self, args: list[str]) -> None:
        options = self.parser.parse_args(args)
        try:
            channel_layer = load(options.channel_layer)
        except (ImportError, AttributeError) as e:
            self.parser.error("the channel layer %r can't be loaded: %s" % (options.channel_layer, e))
        be_heard(options.verbosity)
        if options.json_logs:
            log_as_json()
        endpoints = self.endpoints(options)
        logger.info("Starting server at %s, channel layer %s.", ", ".join(endpoints), options.channel_layer)
        claim_or_exit(channel_layer)
        open_port_or_exit(options.metrics_port)
        self.server = Server(
            channel_layer=channel_layer,
            endpoints=endpoints,
            http_timeout=options.http_timeout,
            ping_interval=options.ping_interval,
            ping_timeout=options.ping_timeout,
            websocket_timeout=options.websocket_timeout,
            websocket_connect_timeout=options.websocket_connect_timeout,
            action_logger=access_log(options),
            ws_protocols=options.ws_protocols,
            root_path=options.root_path,
            verbosity=options.verbosity,
            proxy_forwarded_address_header="X-Forwarded-For" if options.proxy_headers else None,
            **server_options(options),
        )
        self.server.run()

    def endpoints(self, options: argparse.Namespace) -> list[str]:
        """What to listen on, as Twisted writes it; Daphne's default if nothing is said."""
        host, port = options.host, options.port
        alone = options.unix_socket or options.file_descriptor is not None or options.socket_strings
        if host or port or not alone:
            host, port = host or cli.DEFAULT_HOST, port or cli.DEFAULT_PORT
        described = build_endpoint_description_strings(host, port, options.unix_socket, options.file_descriptor)
        return sorted(options.socket_strings + described)


def load(name: str) -> Any:
    """What `path.to.module:instance.path` names, seen from the current folder. Raises ImportError, AttributeError."""
    sys.path.insert(0, ".")
    module, _, path = name.partition(":")
    found: Any = importlib.import_module(module or name)
    for part in path.split("."):
        found = getattr(found, part)
    return found


def add_server_arguments(parser: argparse.ArgumentParser) -> None:
    """The flags that Daphne has not."""
    parser.add_argument(
        "--keepalive-interval",
        type=float,
        default=None,
        help="Seconds between two websocket.keepalive messages of an open socket; 0 for none "
        "(default: the setting RELAY_KEEPALIVE_INTERVAL)",
    )
    parser.add_argument(
        "--reuse-port",
        action="store_true",
        help="Let other interface servers of this machine listen on the same port: the system spreads the connections",
    )
    parser.add_argument(
        "--forwarded-allow-ips",
        default="127.0.0.1,::1",
        help="With --proxy-headers: addresses or networks of the proxies that are believed, separated by commas; "
        "* for any (default: %(default)s)",
    )
    add_metrics_argument(parser)


def claim_or_exit(channel_layer: Any) -> None:
    """`relay.deployment.claim`. What is refused says so and ends."""
    try:
        claim(channel_layer)
    except PrefixTaken as e:
        logger.error("%s", e)
        raise SystemExit(REFUSED) from e


def open_port_or_exit(at: Address | None) -> None:
    """`open_port`. What can't listen ends, as where it can't listen for sockets."""
    try:
        open_port(at)
    except OSError as e:
        logger.error("Can't listen on --metrics-port %s:%d: %s", *(at or ()), e)
        raise SystemExit(CANNOT_LISTEN) from e


def server_options(options: argparse.Namespace) -> dict[str, Any]:
    """Those flags, as Server takes them."""
    return {
        "keepalive_interval": options.keepalive_interval,
        "reuse_port": options.reuse_port,
        "forwarded_allow_ips": [name.strip() for name in options.forwarded_allow_ips.split(",") if name.strip()],
    }


def access_log(options: argparse.Namespace) -> AccessLogGenerator | None:
    """Daphne's access log. Paths stand in it without their queries, which hold secrets."""
    if options.access_log and options.access_log != "-":
        return AccessLogGenerator(open(options.access_log, "a", 1))
    return AccessLogGenerator(sys.stdout) if options.access_log or options.verbosity >= 1 else None


if __name__ == "__main__":
    CommandLineInterface().run(sys.argv[1:])
