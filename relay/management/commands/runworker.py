"""`manage.py runworker`: handles what waits on the channel layer."""

import logging
import os
import sys
from argparse import ArgumentParser
from typing import Any

from channels import channel_layers
from channels.management.commands import runworker
from channels.signals import worker_process_ready
from django.apps import apps
from django.conf import settings
from django.core.checks import Tags
from django.core.management.base import CommandError
from django.db import connections

from relay import conf
from relay.deployment import claim
from relay.exceptions import PrefixTaken
from relay.logs import add_logging_arguments, be_heard, log_as_json
from relay.metrics.port import add_metrics_argument, open_port
from relay.responses import StaticFilesConsumer, ViewConsumer
from relay.worker import Worker


class Command(runworker.Command):
    """Channels' runworker with our Worker. It wins over theirs because `relay` is listed before `channels`."""

    help = (
        "Handles messages from the channel layer: sockets that connect, what they say, HTTP requests, and whatever "
        "else routing has consumers for. Run as many as you like, on any machine that reaches the layer and the "
        "database. SIGTERM or Control-C stops it in good order: what it has begun it finishes, the rest it gives back. "
        "Exits with 0 if all was finished, with 1 if time was up, or if another deployment uses its layer's prefix."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--max-messages",
            type=int,
            default=0,
            metavar="N",
            help="start anew, in the same process id, after N messages and up to a tenth more (default: never)",
        )
        parser.add_argument(
            "--stop-timeout",
            type=float,
            default=None,
            metavar="SECONDS",
            help="time to finish when it is told to stop (default: RELAY_DRAIN_TIMEOUT, %g)"
            % conf.get("DRAIN_TIMEOUT"),
        )
        add_logging_arguments(parser)
        add_metrics_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["threads"] < 1 or options["max_messages"] < 0:
            raise CommandError("--threads must be 1 or more, and --max-messages not less than 0.")
        # Django itself asks the databases only where it migrates.
        self.check(tags=[Tags.database])
        # This thread needs them no more.
        connections.close_all()
        be_heard(options["verbosity"])
        if options["json_logs"]:
            log_as_json()
        worker = self.make_worker(options)
        try:
            claim(worker.channel_layer)
        except PrefixTaken as e:
            raise CommandError(str(e)) from e
        try:
            open_port(options["metrics_port"])
        except OSError as e:
            raise CommandError("Can't listen on --metrics-port %s:%d: %s" % (*options["metrics_port"], e)) from e
        worker_process_ready.send(sender=worker)
        worker.ready()
        finished = worker.run()
        if worker.wants_restart:
            start_anew(worker)
        if not finished:
            # Consumers that still run must not keep the process; atexit is where the layer gives back what they have.
            sys.exit(1)

    def make_worker(self, options: dict[str, Any]) -> Worker:
        if options["layer"] not in channel_layers:
            raise CommandError("CHANNEL_LAYERS has no layer %r." % options["layer"])
        layer = channel_layers[options["layer"]]
        if layer.local_only():
            raise CommandError(
                "The channel layer %s does not reach other processes, so nothing would ever come here. Choose one that "
                "does in CHANNEL_LAYERS, or use runserver, which has workers of its own." % layer
            )
        with_static_files = settings.DEBUG and apps.is_installed("django.contrib.staticfiles")
        layer.router.check_default(http_consumer=StaticFilesConsumer() if with_static_files else ViewConsumer())
        worker = Worker(
            channel_layer=layer,
            callback=self.consumer_called if options["verbosity"] > 1 else None,
            only_channels=options["only_channels"],
            exclude_channels=options["exclude_channels"],
            threads=options["threads"],
            max_messages=options["max_messages"],
            stop_timeout=options["stop_timeout"],
        )
        if not worker.channels:
            raise CommandError(
                "--only-channels and --exclude-channels leave no channel to listen on. There are: %s."
                % ", ".join(sorted(layer.router.channels))
            )
        return worker

    def consumer_called(self, channel: str, message: Any) -> None:
        logging.getLogger("relay.worker").info("Handles a message on %s", channel)


def start_anew(worker: Worker) -> None:
    """
    Be the same command once more, with empty memory. Whoever runs this process sees nothing of it. A signal that comes
    in between ends the process, which has nothing then.
    """
    close = getattr(worker.channel_layer, "close", None)
    if close is not None:
        close()
    logging.shutdown()
    if worker.wants_restart:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
