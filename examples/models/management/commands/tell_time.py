"""`manage.py tell_time <room>`: what cron may run every hour."""

import re

from channels import Channel
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from examples.models.models import ROOM


class Command(BaseCommand):
    """Says the time in a room, from a process that is neither server nor worker."""

    help = "Tells a room what time it is."

    def add_arguments(self, parser):
        parser.add_argument("room")

    def handle(self, *args, room, **options):
        if not re.fullmatch(ROOM, room):
            raise CommandError("%r is no room: letters, digits, - and _, fifty at most." % room)
        text = "It is %s UTC." % timezone.now().strftime("%H:%M")
        Channel("chat-messages").send({"room": room, "name": "cron", "message": text})
