"""`manage.py runserver`: interface server and workers in one process."""

import logging
import os
import threading
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER, channel_layers, staticfiles
from channels.management.commands import runserver

from relay.deployment import claim
from relay.exceptions import DatabaseShared, PrefixTaken
from relay.logs import be_heard
from relay.neighbours import hold
from relay.responses import StaticFilesConsumer, ViewConsumer
from relay.server import Server
from relay.worker import Worker

logger = logging.getLogger(__name__)


class ServerWithWorker(Server):
    """
    Our Server, and a worker as long as it runs; and another for each layer besides on which processes meet, so that
    what a shell or a cron job sends there is handled, too.
    """

    #: Consumers that run at the same time, as with Channels' own.
    threads = 4

    def run(self) -> None:
        others = [channel_layers[alias] for alias in channel_layers.configs if alias != DEFAULT_CHANNEL_LAYER]
        workers = [Worker(self.channel_layer, signal_handlers=False, threads=self.threads)]
        workers += [Worker(layer, signal_handlers=False) for layer in others if not layer.local_only()]
        threads = [threading.Thread(target=self.work, args=(worker,), name="worker", daemon=True) for worker in workers]
        for thread in threads:
            thread.start()
        try:
            super().run()
        finally:
            for worker in workers:
                worker.stop()
            for worker, thread in zip(workers, threads, strict=True):
                thread.join(worker.stop_timeout)

    def work(self, worker: Worker) -> None:
        try:
            worker.ready()
            worker.run()
        except Exception:
            logger.exception("The worker ends")


class OneThread(ServerWithWorker):
    """For --nothreading."""

    threads = 1


class Command(runserver.Command):
    """Channels' runserver with our Server and Worker. It wins as `relay` is listed before `channels`."""

    server_cls = Server

    def get_consumer(self, *args: Any, **options: Any) -> ViewConsumer:
        theirs = super().get_consumer(*args, **options)
        return StaticFilesConsumer() if isinstance(theirs, staticfiles.StaticFilesConsumer) else ViewConsumer()

    def layers(self, use_asgi: bool = True, run_worker: bool = True, **options: Any) -> list[Any]:
        """Those whose messages are handled here, the default one first."""
        others = [alias for alias in channel_layers.configs if alias != DEFAULT_CHANNEL_LAYER]
        aliases = [DEFAULT_CHANNEL_LAYER, *(others if run_worker else [])]
        return [channel_layers[alias] for alias in aliases if use_asgi and alias in channel_layers]

    def inner_run(self, *args: Any, **options: Any) -> None:
        be_heard(options.get("verbosity", 1))
        try:
            layers = self.layers(**options)
            for layer in layers:
                claim(layer)
            if layers:
                hold(layers[0], "%s:%s" % (self.addr, self.port))
        except (PrefixTaken, DatabaseShared) as e:
            self.stderr.write("Error: %s" % e)
            # As Django's own does: under the autoreloader this is not the main thread, which nothing else ends.
            os._exit(1)
        if options.get("run_worker", True):
            self.server_cls = ServerWithWorker if options.get("use_threading", True) else OneThread
        # Channels' own command would start its own worker.
        super().inner_run(*args, **{**options, "run_worker": False})
