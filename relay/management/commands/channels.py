"""`manage.py channels`: what waits on the channel layer, what went wrong there, and who works on it."""

import dataclasses
import json
import time
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER
from django.core.management.base import BaseCommand, CommandParser
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table

from relay.layers.delivery import ChannelStatus
from relay.management.layers import described, layer_named, refuse_while_away

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
        "Dead letters are those that lie there now; manage.py deadletters lists them. Below, the workers that live: on "
        "which channels, for how long, and what they did; and the interface servers, with the sockets that they hold."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--watch", action="store_true", help="keep showing, until Control-C")
        parser.add_argument("--every", type=float, default=1.0, help="seconds between two looks (default: %(default)s)")
        parser.add_argument("--json", action="store_true", help="print JSON; with --watch one object a line")
        parser.add_argument("--layer", default=DEFAULT_CHANNEL_LAYER, help="alias in CHANNEL_LAYERS")

    @refuse_while_away
    def handle(self, *args: Any, **options: Any) -> None:
        layer = layer_named(options["layer"])
        if options["json"]:
            self.print_json(layer, options)
        else:
            self.stderr.write("On %s:" % described(options["layer"]), self.style.NOTICE)
            self.print_table(layer, options)

    def print_json(self, layer: Any, options: dict[str, Any]) -> None:
        while True:
            rows = [dataclasses.asdict(row) for row in layer.status()]
            found = {"channels": rows, "workers": named(layer.workers())}
            found["interface_servers"] = named(layer.notes("interface"))
            self.stdout.write(json.dumps(found, indent=None if options["watch"] else 2))
            if not self.wait(options):
                return

    def print_table(self, layer: Any, options: dict[str, Any]) -> None:
        console = Console(file=self.stdout._out)
        if not options["watch"]:
            console.print(drawn(layer))
            return
        with Live(drawn(layer), console=console, auto_refresh=False) as live:
            while self.wait(options):
                live.update(drawn(layer), refresh=True)

    def wait(self, options: dict[str, Any]) -> bool:
        """Wait for the next look; False if there is none."""
        if not options["watch"]:
            return False
        try:
            time.sleep(options["every"])
        except KeyboardInterrupt:
            return False
        return True


def drawn(layer: Any) -> Group:
    tables = channel_table(layer.status()), worker_table(layer.workers()), server_table(layer.notes("interface"))
    return Group(*(line for table in tables for line in (table, "")))


def named(reports: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"name": name, **report} for name, report in sorted(reports.items())]


def channel_table(rows: list[ChannelStatus]) -> Table:
    table = Table("channel", box=None, pad_edge=False, caption=None if rows else "No channel has been used yet.")
    for title in COLUMNS.values():
        table.add_column(title, justify="right")
    for row in rows:
        values = [getattr(row, field) for field in COLUMNS]
        table.add_row(row.channel, *("%.1f" % value if isinstance(value, float) else str(value) for value in values))
    return table


def worker_table(workers: dict[str, dict[str, Any]]) -> Table:
    caption = None if workers else "No worker says that it lives. (Channels' own say nothing.)"
    table = Table("worker", box=None, pad_edge=False, caption=caption)
    for title in ("up, s", "threads", "handled", "failed", "dead"):
        table.add_column(title, justify="right")
    table.add_column("channels")
    for name, report in sorted(workers.items()):
        up = "%d" % max(0, time.time() - report["since"])
        counts = (sum(report["handled"].values()), sum(report["failed"].values()), report["dead"])
        table.add_row(name, up, str(report["threads"]), *map(str, counts), ", ".join(report["channels"]))
    return table


def server_table(servers: dict[str, dict[str, Any]]) -> Table:
    caption = None if servers else "No interface server says that it lives. (Daphne's own says nothing.)"
    table = Table("interface server", box=None, pad_edge=False, caption=caption)
    for title in ("up, s", "sockets", "connecting", "requests", "waiting"):
        table.add_column(title, justify="right")
    table.add_column("")
    for name, report in sorted(servers.items()):
        up = "%d" % max(0, time.time() - report["since"])
        counts = (report[key] for key in ("sockets", "connecting", "requests", "waiting"))
        table.add_row(name, up, *map(str, counts), "goes away" if report["closing"] else "")
    return table
