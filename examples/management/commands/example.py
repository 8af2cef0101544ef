"""`manage.py example`: run one of the examples, or all of them."""

import os
import shlex
import signal
import socket
import sys
import textwrap
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from honcho.manager import Manager

from deploy.up import ROOT, start_redis
from examples.catalogue import ALL, NAMES, catalogue

SETTINGS = "examples.settings"
HOST = "127.0.0.1"
LAYERS = ("memory", "database", "redis")
#: Workers on a layer that has them as processes of their own.
WORKERS = 2


class Command(BaseCommand):
    """
    Starts itself anew with the settings of the example: Django can't change its settings once it runs. What it is then
    has a database to migrate and processes to start.
    """

    help = (
        "Runs an example: a small app for one step of the documents that people start from. Without a name it lists "
        "them. examples/README.md says more."
    )
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("name", nargs="?", help='an example, or "all": each at /<name>/, with a table of them at /')
        parser.add_argument(
            "command",
            nargs="*",
            help="do not start it, but run this management command with its settings, for example: "
            "manage.py example models tell_time lobby",
        )
        parser.add_argument(
            "--layer",
            choices=LAYERS,
            default="memory",
            help="what carries messages. memory: one process, runserver. database, redis: an interface server and "
            "workers, each a process; Redis is that of REDIS_URL, or one is started (default: %(default)s)",
        )
        parser.add_argument("--workers", type=int, help="worker processes, unless in memory (default: %d)" % WORKERS)
        parser.add_argument("--port", type=int, default=8000, help="where to serve (default: %(default)s)")
        parser.add_argument(
            "--folder", default=str(ROOT / "var" / "examples"), help="where its database is (default: var/examples)"
        )

    def handle(self, *args, name, command, **options):
        if settings.SETTINGS_MODULE == SETTINGS and name is None:
            self.serve(**options)
        elif name is None:
            self.list()
        else:
            self.check_options(name, command, **options)
            self.start_anew(name, command, **options)

    def list(self):
        """Say which examples there are."""
        for example in catalogue():
            self.stdout.write("%-11s %s" % (example.name, self.style.MIGRATE_HEADING(example.title)))
            for text in (example.source, "Try: " + example.task):
                self.stdout.write(textwrap.fill(text, 110, initial_indent=" " * 12, subsequent_indent=" " * 12))
        self.stdout.write("%-11s %s" % (ALL, self.style.MIGRATE_HEADING("All of them in one server")))
        self.stdout.write("\nRun one: manage.py example <name> [--layer %s]" % "|".join(LAYERS))

    def check_options(self, name, command, layer, workers, port, **options):
        """Say what can't be, before anything is started."""
        if name not in (*NAMES, ALL):
            raise CommandError("There is no example %r. There are: %s, %s." % (name, ", ".join(NAMES), ALL))
        if workers is not None and (layer == "memory" or workers < 1):
            raise CommandError("--workers needs --layer database or redis, and a number from 1 up.")
        if command and layer == "redis" and not settings.REDIS_URL:
            raise CommandError("Which Redis? The example that runs says so when it starts: put it in REDIS_URL.")
        if not command:
            check_port(port)

    def start_anew(self, name, command, layer, workers, port, folder, **options):
        """Become the same command, or the one that is asked for, with the settings of the example."""
        if not command:
            command = ["example", "--layer", layer, "--port", str(port), "--workers", str(workers or WORKERS)]
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "EXAMPLE": name,
            "EXAMPLE_LAYER": layer,
            "EXAMPLE_FOLDER": str(Path(folder).resolve()),
        }
        self.stdout.flush()
        os.execve(sys.executable, manage(*command), environment)

    def serve(self, layer, workers, port, **options):
        """Migrate the example's database, and start what the layer needs."""
        call_command("migrate", verbosity=0)
        self.stdout.write(
            "The example %r will be at http://%s:%d/ (Control-C stops it)" % (settings.EXAMPLE, HOST, port)
        )
        self.stdout.flush()
        address = "%s:%d" % (HOST, port)
        if layer == "memory":
            call_command("runserver", address, use_reloader=False)
        else:
            self.serve_by_processes(address, workers)

    def serve_by_processes(self, address, workers):
        """An interface server and workers; and a Redis if there is none and they are to meet in one."""
        # honcho kills what has not ended after five seconds.
        environment = {**os.environ, "PYTHONUNBUFFERED": "1", "RELAY_DRAIN_TIMEOUT": "4"}
        # A termination ends this as Control-C does, so that Redis is stopped whenever it comes.
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
        redis = None
        try:
            if settings.EXAMPLE_LAYER == "redis" and not settings.REDIS_URL:
                redis, url = start_redis(settings.EXAMPLE_FOLDER / "redis", durable=False)
                environment["REDIS_URL"] = url
                self.stdout.write("Redis is at %s" % url)
                self.stdout.flush()
            manager = Manager()
            manager.add_process("web", shell(manage("runwsserver", address)), env=environment)
            for number in range(1, (workers or WORKERS) + 1):
                manager.add_process("worker.%d" % number, shell(manage("runworker")), env=environment)
            manager.loop()
        finally:
            if redis is not None:
                redis.terminate()
                redis.wait()
        sys.exit(manager.returncode)


def manage(*arguments):
    """The command line of a management command."""
    return [sys.executable, str(ROOT / "manage.py"), *arguments]


def shell(command):
    """A command line as honcho takes it. `exec`: it would else see how and when the shell ends, not the process."""
    return "exec " + shlex.join(command)


def check_port(port):
    """Raise CommandError if nothing can listen there."""
    with socket.socket() as probe:
        # As a server does: what a server before it left behind does not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as e:
            raise CommandError("Port %d: %s. Name another with --port." % (port, getattr(e, "strerror", e))) from None
