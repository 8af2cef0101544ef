"""What the processes wrote: errors, and which of them are no wonder where everything is killed."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

#: A line of the project's LOGGING, and one of the access log.
RECORD = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} (?P<level>[A-Z]+) +(?P<logger>[\w.]+): (?P<text>.*)")
ACCESS = re.compile(r"^\S+ - - \[")
TRACEBACK = "Traceback (most recent call last)"
#: What differs from one line to the next: numbers, and what stands in quotes.
VARYING = re.compile(r"0x[0-9a-f]+|\b[0-9a-f]*\d[0-9a-f-]*\b(\.\d+)?|![A-Za-z]+")
#: The line of a traceback that names the exception.
EXCEPTION = re.compile(r"^(?P<name>[a-z_]\w*(\.\w+)+|[A-Z]\w*(Error|Exception|Interrupt|Exit|Iteration))(:|$)")

#: Exceptions that tell the truth while something is away, and the beginnings of the troubles that they tell of.
EXPECTED = {
    "django.db.utils.OperationalError": ("postgres",),
    "django.db.utils.InterfaceError": ("postgres",),
    "relay.exceptions.LayerUnavailable": ("redis", "postgres"),
    "redis.exceptions.ConnectionError": ("redis",),
    "redis.exceptions.TimeoutError": ("redis",),
    "redis.exceptions.BusyLoadingError": ("redis",),
}
#: What nobody's death explains, by whatever exception it is told.
OWN_FAULT = re.compile(r"deadlock detected|due to (lock|statement) timeout|too many clients|database is locked")


class Entry(NamedTuple):
    level: str
    logger: str
    text: str
    #: The lines that follow: a traceback.
    more: str


def entries(path: Path) -> Iterator[Entry]:
    """What a log says, one at a time. What Python wrote by itself has the level RAW."""
    level, logger, text, more = "", "", "", []
    with open(path, errors="replace") as lines:
        for line in lines:
            found = RECORD.match(line)
            if found or ACCESS.match(line):
                if level:
                    yield Entry(level, logger, text, "".join(more))
                level, logger, text = found.groups() if found else ("", "", "")
                more = []
            elif level:
                more.append(line)
            elif line.strip():
                level, logger, text = "RAW", "", line.strip()
    if level:
        yield Entry(level, logger, text, "".join(more))


def shape(entry: Entry) -> str:
    """The entry without what differs from one to the next."""
    return VARYING.sub("N", " | ".join(filter(None, [entry.logger, entry.text, exception_of(entry)])))[:300]


def exception_of(entry: Entry) -> str:
    """The name of the exception that a traceback ends with."""
    names = [found["name"] for line in entry.more.splitlines() if (found := EXCEPTION.match(line))]
    return names[-1] if names and TRACEBACK in entry.text + entry.more else ""


def is_error(entry: Entry) -> bool:
    return entry.level in ("ERROR", "CRITICAL") or TRACEBACK in entry.text + entry.more


def is_expected(entry: Entry, troubles: Iterable[str]) -> bool:
    """Whether an error tells of what was done to the deployment."""
    if OWN_FAULT.search(entry.more):
        return False
    causes = EXPECTED.get(exception_of(entry), ())
    return any(trouble.startswith(causes) for trouble in troubles) if causes else False


def read(folder: Path, troubles: Iterable[str]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """How often each error was logged that is expected after such troubles, and that is not; and each warning."""
    expected: Counter[str] = Counter()
    unexpected: Counter[str] = Counter()
    warnings: Counter[str] = Counter()
    for path in sorted(folder.glob("*.log")):
        for entry in entries(path):
            if is_error(entry):
                (expected if is_expected(entry, troubles) else unexpected)[shape(entry)] += 1
            elif entry.level in ("WARNING", "RAW"):
                warnings[shape(entry)] += 1
    return expected, unexpected, warnings
