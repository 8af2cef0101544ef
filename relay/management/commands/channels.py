"""`manage.py channels`: what waits on the channel layer, and what went wrong there."""

import dataclasses
import json
import time
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER
from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console
from rich.live import Live
from rich.table import Table

from relay.layers.delivery import ChannelStatus
from relay.management.layers import layer_named, refuse_while_away

#: What each column says, by the field of ChannelStatus that it shows.
COLUMNS = {
    "depth": "waiting",
    "age": "oldest, s",
    "in_flight": "in flight",
    "sent": "sent",
    "full": "refused",
    "expired": "expired",
    "dead": "dead",
}


class Command(BaseCommand):
    help = (
        "Show every channel that has been used: messages that wait and how long the oldest has, messages in the hands "
        "of workers, and since the layer's data began: sent, refused because the channel was full, expired. "
        "Dead letters are those that lie there now; manage.py deadletters lists them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--watch", action="store_true", help="keep showing, until Control-C")
        parser.add_argument("--every", type=float, default=1.0, help="seconds between two looks (default: %(default)s)")
        parser.add_argument("--json", action="store_true", help="print a JSON list; with --watch one a line")
        parser.add_argument("--layer", default=DEFAULT_CHANNEL_LAYER, help="alias in CHANNEL_LAYERS")

    @refuse_while_away
    def handle(self, *args: Any, **options: Any) -> None:
        layer = layer_named(options["layer"])
        if options["json"]:
            self.print_json(layer, options)
        else:
            self.print_table(layer, options)

    def print_json(self, layer: Any, options: dict[str, Any]) -> None:
        while True:
            rows = [dataclasses.asdict(row) for row in layer.status()]
            self.stdout.write(json.dumps(rows, indent=None if options["watch"] else 2))
            if not self.wait(options):
                return

    def print_table(self, layer: Any, options: dict[str, Any]) -> None:
        console = Console(file=self.stdout._out)
        if not options["watch"]:
            console.print(table(layer.status()))
            return
        with Live(table(layer.status()), console=console, auto_refresh=False) as live:
            while self.wait(options):
                live.update(table(layer.status()), refresh=True)

    def wait(self, options: dict[str, Any]) -> bool:
        """Wait for the next look; False if there is none."""
        if not options["watch"]:
            return False
        try:
            time.sleep(options["every"])
        except KeyboardInterrupt:
            return False
        return True


def table(rows: list[ChannelStatus]) -> Table:
    drawn = Table("channel", box=None, pad_edge=False, caption=None if rows else "No channel has been used yet.")
    for title in COLUMNS.values():
        drawn.add_column(title, justify="right")
    for row in rows:
        values = [getattr(row, field) for field in COLUMNS]
        drawn.add_row(row.channel, *("%.1f" % value if isinstance(value, float) else str(value) for value in values))
    return drawn
