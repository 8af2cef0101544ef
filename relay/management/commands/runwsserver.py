"""`manage.py runwsserver`: an interface server of its own, on port 9000."""

import re
from argparse import ArgumentParser, Namespace
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER, channel_layers
from daphne.access import AccessLogGenerator
from daphne.server import build_endpoint_description_strings
from django.core.management.base import BaseCommand, CommandError, OutputWrapper

from relay.daphne import add_server_arguments, open_port_or_exit, server_options
from relay.deployment import claim
from relay.exceptions import PrefixTaken
from relay.server import Server

ADDRESS = re.compile(r"(?:(?P<host>\[[0-9a-fA-F:]+\]|[a-zA-Z0-9.\-]+):)?(?P<port>\d+)")


class Command(BaseCommand):
    """Serves WebSockets, and HTTP, without a worker: those run beside it."""

    help = (
        "Starts an interface server: it holds sockets, and passes on what they say to workers (manage.py runworker) "
        "through the channel layer, which must reach other processes."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "address", nargs="?", default="127.0.0.1:9000", help="port, or address:port (default: %(default)s)"
        )
        parser.add_argument(
            "--proxy-headers", action="store_true", help="take the client's address from X-Forwarded-For"
        )
        add_server_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        found = ADDRESS.fullmatch(options["address"])
        if found is None or int(found["port"]) > 65535:
            raise CommandError("%r is neither a port nor address:port" % options["address"])
        layer = channel_layers[DEFAULT_CHANNEL_LAYER]
        if layer.local_only():
            raise CommandError(
                "The channel layer %s does not reach other processes, so no worker would hear of this server's "
                "sockets. Choose one that does in CHANNEL_LAYERS, or use runserver, which has workers of its own."
                % layer
            )
        try:
            claim(layer)
        except PrefixTaken as e:
            raise CommandError(str(e)) from e
        host, port = found["host"] or "127.0.0.1", int(found["port"])
        self.stdout.write("Interface server at ws://%s:%d/, layer %s. Control-C stops it." % (host, port, layer))
        self.stdout.flush()
        open_port_or_exit(options["metrics_port"])
        Server(
            channel_layer=layer,
            endpoints=build_endpoint_description_strings(host=host, port=port),
            action_logger=access_log(self.stdout) if options["verbosity"] else None,
            proxy_forwarded_address_header="X-Forwarded-For" if options["proxy_headers"] else None,
            **server_options(Namespace(**options)),
        ).run()


def access_log(stream: OutputWrapper) -> AccessLogGenerator:
    return AccessLogGenerator(stream._out)
