"""`manage.py deadletters list|show|retry|discard`: messages that were given up."""

import dataclasses
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER
from django.core.management.base import BaseCommand, CommandError, CommandParser

from relay.layers.delivery import DeadLetter
from relay.management.layers import described, layer_named, refuse_while_away


class Command(BaseCommand):
    help = (
        "Messages that nobody could read or handle are not thrown away. List them, show one with all that is known "
        "about it, send them again to the channels they were for, or forget them."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        common = {"default": DEFAULT_CHANNEL_LAYER, "help": "alias in CHANNEL_LAYERS"}
        verbs = parser.add_subparsers(dest="verb", required=True)
        listing = verbs.add_parser("list", help="one line for each, the oldest first")
        listing.add_argument("--channel", help="only those of this channel")
        showing = verbs.add_parser("show", help="all about one: why it died, and what is in it")
        showing.add_argument("ids", nargs=1, metavar="id")
        for verb, text in (("retry", "send again, as if new"), ("discard", "forget")):
            acting = verbs.add_parser(verb, help=text)
            acting.add_argument("ids", nargs="*", metavar="id")
            acting.add_argument("--all", action="store_true", help="all of them, or all of --channel")
            acting.add_argument("--channel", help="with --all: only those of this channel")
        for verb in verbs.choices.values():
            verb.add_argument("--json", action="store_true", help="print JSON")
            verb.add_argument("--layer", **common)

    @refuse_while_away
    def handle(self, *args: Any, **options: Any) -> None:
        layer = layer_named(options["layer"])
        letters = [letter for letter in layer.dead_letters() if options.get("channel") in (None, letter.channel)]
        getattr(self, options["verb"])(layer, letters, options)

    def list(self, layer: Any, letters: Sequence[DeadLetter], options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps([as_json(letter) for letter in letters], indent=2))
            return
        for letter in letters:
            reason = letter.reason.strip().splitlines()
            self.stdout.write(
                "%s  %s  %-24s failed %d times: %s"
                % (letter.id, when(letter), letter.channel or "?", letter.attempts, reason[-1] if reason else "")
            )
        if not letters:
            self.stdout.write("There are no dead letters on %s." % described(options["layer"]))

    def show(self, layer: Any, letters: Sequence[DeadLetter], options: dict[str, Any]) -> None:
        (letter,) = chosen(letters, options)
        if options["json"]:
            self.stdout.write(json.dumps(as_json(letter), indent=2))
            return
        for name, value in as_json(letter).items():
            text = json.dumps(value, indent=2) if isinstance(value, dict) else str(value)
            self.stdout.write("%-9s %s" % (name, text.replace("\n", "\n          ")))

    def retry(self, layer: Any, letters: Sequence[DeadLetter], options: dict[str, Any]) -> None:
        self.say("sent again", layer.retry_dead(letter.id for letter in chosen(letters, options)), options)

    def discard(self, layer: Any, letters: Sequence[DeadLetter], options: dict[str, Any]) -> None:
        self.say("forgotten", layer.discard_dead(letter.id for letter in chosen(letters, options)), options)

    def say(self, what: str, count: int, options: dict[str, Any]) -> None:
        if options["json"]:
            self.stdout.write(json.dumps({what.replace(" ", "_"): count}))
        else:
            self.stdout.write("%d dead letter%s %s." % (count, " was" if count == 1 else "s were", what))


def chosen(letters: Sequence[DeadLetter], options: dict[str, Any]) -> Sequence[DeadLetter]:
    """Those that the command line names. Raises CommandError for one that does not exist, or if none is named."""
    if options.get("all"):
        return letters
    if not options["ids"]:
        raise CommandError("Name the dead letters by their ids (manage.py deadletters list), or say --all.")
    by_id = {letter.id: letter for letter in letters}
    unknown = [name for name in options["ids"] if name not in by_id]
    if unknown:
        raise CommandError("There is no dead letter %s." % ", ".join(unknown))
    return [by_id[name] for name in options["ids"]]


def when(letter: DeadLetter) -> str:
    return datetime.fromtimestamp(letter.died, UTC).isoformat(" ", "seconds")


def as_json(letter: DeadLetter) -> dict[str, Any]:
    """What JSON can say of it: bytes as text, with a backslash for what is none."""
    plain = dataclasses.asdict(letter)
    plain["died"] = when(letter)
    raw = plain.pop("raw")
    if plain["content"] is None:
        plain["raw"] = raw[:500].decode("utf-8", "backslashreplace")
    return json.loads(json.dumps(plain, default=as_text))


def as_text(value: Any) -> str:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else repr(value)
