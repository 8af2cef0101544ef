"""`manage.py runserver`: interface server and workers in one process."""

import logging
import threading
from typing import Any

from channels import staticfiles
from channels.management.commands import runserver

from relay.responses import StaticFilesConsumer, ViewConsumer
from relay.server import Server
from relay.worker import Worker

logger = logging.getLogger(__name__)


class ServerWithWorker(Server):
    """Our Server, and a worker as long as it runs."""

    #: Consumers that run at the same time, as with Channels' own.
    threads = 4

    def run(self) -> None:
        worker = Worker(self.channel_layer, signal_handlers=False, threads=self.threads)
        thread = threading.Thread(target=self.work, args=(worker,), name="worker", daemon=True)
        thread.start()
        try:
            super().run()
        finally:
            worker.stop()
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

    def inner_run(self, *args: Any, **options: Any) -> None:
        if options.get("run_worker", True):
            self.server_cls = ServerWithWorker if options.get("use_threading", True) else OneThread
        # Channels' own command would start its own worker.
        super().inner_run(*args, **{**options, "run_worker": False})
