"""
The interface server's command line: `python -m relay.daphne project.asgi:channel_layer`.

It takes every flag of `daphne`, and `--keepalive-interval`.
"""

import functools
import sys

from daphne import cli

from relay.server import Server


class CommandLineInterface(cli.CommandLineInterface):
    """Daphne's command line, running our Server."""

    description = "Interface server: Daphne, and websocket.keepalive"

    def __init__(self) -> None:
        super().__init__()
        self.parser.prog = "python -m relay.daphne"
        self.parser.add_argument(
            "--keepalive-interval",
            type=float,
            default=None,
            help="Seconds between two websocket.keepalive messages of an open socket; 0 for none "
            "(default: the setting RELAY_KEEPALIVE_INTERVAL)",
        )

    def run(self, args: list[str]) -> None:
        options = self.parser.parse_args(args)
        # `daphne.cli` has no hook for the class of the server: it takes the name `Server` of its own module.
        cli.Server = functools.partial(Server, keepalive_interval=options.keepalive_interval)
        super().run(args)


if __name__ == "__main__":
    CommandLineInterface().run(sys.argv[1:])
