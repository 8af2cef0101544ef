"""`manage.py say lobby "Good morning"`: say something in a room, from cron or a shell."""

from typing import Any

from channels import DEFAULT_CHANNEL_LAYER
from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatapp import ledger, names, protocol
from chatapp.exceptions import ClientError
from chatapp.identity import Sender
from chatapp.models import SERVER, TakenName, checked_or_new_client_id
from relay.management.layers import described


class Command(BaseCommand):
    help = "Say something in a room. It is stored when this command returns, and broadcast at once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("room", help="the room's name, as in its URL")
        parser.add_argument("text", help="what to say")
        parser.add_argument("--as", dest="name", default=SERVER, help="who says it (default: %(default)s)")
        parser.add_argument("--client-id", help="the same one again says it only once: for jobs that may run twice")

    def handle(self, room: str, text: str, name: str, client_id: str | None, **options: Any) -> None:
        try:
            key = checked_or_new_client_id(client_id)
            if name != SERVER and TakenName.taken(names.looks(name)):
                raise ClientError("name_taken")
            sender = Sender(SERVER, protocol.checked_name(name))
            row, is_new = ledger.store_and_announce(room, sender, protocol.checked_message(text), key)
        except ClientError as e:
            raise CommandError("%s (%s)" % (e.text, e.code)) from None
        layer = described(DEFAULT_CHANNEL_LAYER)
        said = "Said in %s as message %d. The channel layer is %s." % (row.room.slug, row.seq, layer)
        self.stdout.write(said if is_new else "It was said before.")
