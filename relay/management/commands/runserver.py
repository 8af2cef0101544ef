"""`manage.py runserver`: interface server and workers in one process."""

from channels.management.commands import runserver

from relay.server import Server


class Command(runserver.Command):
    """Channels' runserver with our Server. It wins over theirs because `relay` is listed before `channels`."""

    server_cls = Server
