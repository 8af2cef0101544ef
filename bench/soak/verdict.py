"""What must be true in the end, and how that is written down."""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from channels import channel_layers
from django.db import connection
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console
from rich.table import Table

from bench.soak import logs
from bench.soak.people import People
from bench.soak.stage import Stage
from bench.soak.trouble import Trouble
from bench.soak.watch import MIB, Watch

#: Seconds that everything may take to be answered and heard once nobody says more.
QUIET = 120
BROKEN = ("lost", "doubled", "inverted")


class Finding(NamedTuple):
    what: str
    ok: bool
    told: str


class Verdict:
    """Findings, one after the other."""

    def __init__(self, stage: Stage, people: People, watch: Watch, trouble: Trouble, folder: Path):
        self.stage, self.people, self.watch, self.trouble, self.folder = stage, people, watch, trouble, folder
        self.findings: list[Finding] = []

    @property
    def is_clean(self) -> bool:
        return bool(self.findings) and all(finding.ok for finding in self.findings)

    def add(self, what: str, ok: bool, told: str) -> None:
        self.findings.append(Finding(what, bool(ok), told))

    def reach(self) -> None:
        """Wait until it is quiet, and look at everything."""
        self.processes()
        self.quiet()
        # What was acknowledged by now must be in what is read after it.
        acknowledged = self.acknowledged()
        self.stored(acknowledged, rows_by_room())
        self.heard()
        self.canaries()
        self.dead_letters()
        self.flatness()
        self.people.leave()
        self.nobody_is_left()
        self.stage.stop()
        self.endings()
        self.errors()

    def processes(self) -> None:
        """All are there without being replaced."""
        try:
            self.stage.wait_until_ready()
        except TimeoutError as e:
            self.add("The chat answers", False, str(e))
            return
        gone = [each.name for each in self.stage.processes if each.popen.poll() is not None]
        lives = sum(each.lives for each in self.stage.processes)
        self.add(
            "Nothing ended by itself",
            not gone,
            ", ".join(gone) or "%d processes, %d lives" % (len(self.stage.processes), lives),
        )

    def quiet(self) -> None:
        """Nobody says more: all is acknowledged and heard."""
        self.people.talking = False
        began = time.monotonic()
        while time.monotonic() < began + QUIET and (self.people.waiting or behind(self.people)):
            time.sleep(0.2)
        waiting, far, after = self.people.waiting, behind(self.people), time.monotonic() - began
        self.add(
            "Everything was acknowledged",
            not waiting,
            "%d of %d after %.1f s" % (self.people.acknowledged, self.people.said, after),
        )
        self.add(
            "Everything was heard by all",
            not far,
            "%d clients lack something" % len(far)
            if far
            else ("%d messages by %d clients" % (self.people.tally()["heard"], len(self.people.persons))),
        )

    def acknowledged(self) -> list[tuple[str, dict[str, int]]]:
        """The room of each person, and client_id → number of what was acknowledged to it."""
        return [(person.room, dict(person.acknowledged)) for person in self.people.persons]

    def stored(
        self, acknowledged: list[tuple[str, dict[str, int]]], rooms: dict[str, list[tuple[int, str, str]]]
    ) -> None:
        """What was acknowledged is stored once, under its number; and rooms have no holes."""
        everywhere = Counter(client_id for rows in rooms.values() for _, _, client_id in rows)
        numbers = {(room, client_id): seq for room, rows in rooms.items() for seq, _, client_id in rows}
        absent = wrong = 0
        for room, numbered in acknowledged:
            for client_id, seq in numbered.items():
                absent += client_id not in everywhere
                wrong += numbers.get((room, client_id), seq) != seq
        twice = sum(count > 1 for count in everywhere.values())
        self.add("What was acknowledged is stored", not absent, "%d are not" % absent)
        self.add("Once", not twice, "%d messages are stored twice" % twice)
        self.add("Under the number that was acknowledged", not wrong, "%d are not" % wrong)
        holes = sum(sorted(seq for seq, _, _ in rows) != list(range(1, len(rows) + 1)) for rows in rooms.values())
        self.add("Rooms are numbered without holes", not holes, "%d of %d have holes" % (holes, len(rooms)))
        behind = left_behind()
        self.add("What is stored is broadcast", not behind, ", ".join(behind) or "in all rooms")

    def heard(self) -> None:
        tally = self.people.tally()
        for what in BROKEN:
            self.add("Nothing is %s for anybody" % what, not tally[what], str(tally[what]))

    def canaries(self) -> None:
        """What somebody heard who listened to them, and what those tell that live."""
        tally = self.people.listener.tally
        broken = {what: tally[what] for what in BROKEN if tally[what]}
        self.add(
            "Nothing is wrong with the canaries",
            not broken and tally["heard"],
            "%d heard %s" % (tally["heard"], broken or ""),
        )
        for port in self.stage.ports:
            told = canary_metrics(self.stage.get(port, "/metrics")[1])
            if told:
                bad = {name: value for name, value in told.items() if value and name.split("_")[-2] in BROKEN}
                self.add("The canary of port %d tells so" % port, not bad, str(bad or "by /metrics"))

    def dead_letters(self) -> None:
        dead = json.loads(self.stage.manage("deadletters", "list", "--json"))
        self.add("There are no dead letters", not dead, ", ".join(letter["channel"] for letter in dead[:9]) or "none")

    def flatness(self) -> None:
        trends = self.watch.trends()
        for each in trends:
            unit = MIB if each.what in ("RSS", "memory") else 1
            name = "MiB" if unit == MIB else each.what
            told = "%.1f %s on the average, %+.1f in %.0f min" % (
                each.mean / unit,
                name,
                each.growth / unit,
                each.seconds / 60,
            )
            self.add("%s of %s is flat" % (each.what, each.name), each.is_flat, told)

    def nobody_is_left(self) -> None:
        """Once all are gone, nobody is in a room or a group, and soon."""
        rooms = {person.room for person in self.people.persons}
        deadline = time.monotonic() + 60 + 5 * float(self.stage.environment["RELAY_KEEPALIVE_INTERVAL"])
        while (left := members(rooms) + present(rooms)) and time.monotonic() < deadline:
            time.sleep(0.5)
        self.add("Nobody is left in a room", not left, "%d are" % left)

    def endings(self) -> None:
        """Who was told to end did so in time and said so."""
        bad = ["%s: %s" % (each.name, code) for each in self.stage.processes for code in each.endings if code != 0]
        count = sum(len(each.endings) for each in self.stage.processes)
        self.add("Whoever was told to end did", not bad, ", ".join(bad) or "%d times" % count)

    def errors(self) -> None:
        expected, unexpected, self.warnings = logs.read(self.folder, self.trouble.counts)
        self.expected = expected
        told = "; ".join("%d times %s" % (count, text) for text, count in unexpected.most_common(20))
        told = told or "none, beside %d of theirs" % expected.total()
        self.add("No log has an error that is none of the troubles'", not unexpected, told)


def behind(people: People) -> list[Any]:
    """Those who have not heard all of their rooms."""
    heads = heads_of_rooms()
    return [person for person in people.persons if person.upto < heads.get(person.room, 0)]


def heads_of_rooms() -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT slug, head FROM chatapp_room")
        return dict(cursor.fetchall())


def left_behind() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT slug FROM chatapp_room WHERE announced < head AND slug <> 'canary'")
        return [slug for (slug,) in cursor.fetchall()]


def rows_by_room() -> dict[str, list[tuple[int, str, str]]]:
    """Number, sender and client_id of all messages, but those of canaries, of which old ones are swept away."""
    found: dict[str, list[tuple[int, str, str]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT slug, seq, sender, client_id FROM chatapp_chatmessage JOIN chatapp_room "
            "ON chatapp_room.id = chatapp_chatmessage.room_id WHERE slug <> 'canary'"
        )
        for slug, seq, sender, client_id in cursor.fetchall():
            found.setdefault(slug, []).append((seq, sender, client_id))
    return found


def members(rooms: set[str]) -> int:
    return sum(len(channel_layers["default"].group_channels("chat-" + room)) for room in rooms)


def present(rooms: set[str]) -> int:
    from chatapp.models import Presence

    return Presence.objects.filter(room__slug__in=rooms, seen__gt=Presence.horizon()).count()


def canary_metrics(text: str) -> dict[str, float]:
    """The canaries' counts among what a server tells Prometheus, if it tells any: of all processes that it tells of."""
    try:
        families = list(text_string_to_metric_families(text))
    except ValueError:
        return {}
    found: Counter[str] = Counter()
    for sample in (sample for family in families for sample in family.samples):
        if sample.name.startswith("chat_canary") and sample.name.endswith("_total"):
            found[sample.name] += sample.value
    return dict(found)


def show(verdict: Verdict, console: Console) -> None:
    table = Table(title="Clean" if verdict.is_clean else "NOT CLEAN")
    for column in ("", "What must be true", "What was found"):
        table.add_column(column, overflow="fold")
    for finding in verdict.findings:
        table.add_row("[green]✓[/]" if finding.ok else "[red]✗[/]", finding.what, finding.told)
    console.print(table)


def write(verdict: Verdict, about: dict[str, Any], folder: Path) -> None:
    """verdict.json, verdict.md and samples.json."""
    expected, warnings = getattr(verdict, "expected", Counter()), getattr(verdict, "warnings", Counter())
    found = {"clean": verdict.is_clean, **about, "findings": [finding._asdict() for finding in verdict.findings]}
    found |= {"expected errors": dict(expected.most_common()), "warnings": dict(warnings.most_common(50))}
    (folder / "verdict.json").write_text(json.dumps(found, indent=2))
    (folder / "samples.json").write_text(json.dumps(verdict.watch.rows()))
    lines = ["# %s" % ("Clean" if verdict.is_clean else "Not clean"), "", "| | |", "|---|---|"]
    lines += ["| %s | %s |" % (key, value) for key, value in about.items()]
    lines += ["", "| | What must be true | What was found |", "|---|---|---|"]
    lines += [
        "| %s | %s | %s |" % ("✓" if each.ok else "✗", each.what, each.told.replace("|", "·"))
        for each in verdict.findings
    ]
    for title, counts in (("Errors of the troubles", expected), ("Warnings", warnings)):
        lines += ["", "## " + title, "", *("- %d times `%s`" % (count, text) for text, count in counts.most_common(50))]
    (folder / "verdict.md").write_text("\n".join(lines) + "\n")
