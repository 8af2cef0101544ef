"""What the chat measures, on the registry that all of the process's metrics are on."""

from collections.abc import Iterator, Sequence
from typing import Any

from prometheus_client import Counter
from prometheus_client.core import GaugeMetricFamily, Metric

from chatapp.exceptions import ERRORS
from chatapp.models import Presence

STORED = Counter("chat_messages_stored", "Messages that were stored.")
REPEATS = Counter("chat_repeats", "Messages that were stored before, by their client_id, and not once more.")
BROADCASTS = Counter("chat_broadcasts", "Messages that were broadcast to their rooms.")

#: `resumed`: a client came back and caught up. `asked`: it saw a hole, and asked for what is in it. `straggler`: a room
#: had messages that were stored and not broadcast, since their worker died. `forgotten`: a socket was gone without a
#: word. `emptied`: a room that stayed empty was swept up.
HOW = ("resumed", "asked", "straggler", "forgotten", "emptied")
_repairs = Counter("chat_repairs", "What went wrong and was mended, by what it was.", ["how"])
REPAIRS = {how: _repairs.labels(how) for how in HOW}

#: Their codes are in the tables of the chat's applications, and nowhere else.
_errors = Counter("chat_errors", "Errors that clients were told of.", ["code"])
for _code in ERRORS:
    _errors.labels(_code)
RATE_LIMITED = Counter("chat_rate_limited", "Messages that were not stored, since their senders are too fast.")
LOGINS_REFUSED = Counter("chat_logins_refused", "Names and passwords that let nobody in.")


def count_error(code: str, times: int = 1) -> None:
    _errors.labels(code).inc(times)


def count_stored(outcomes: Sequence[Any]) -> None:
    """What became of some drafts."""
    new = sum(outcome.is_new for outcome in outcomes)
    limited = sum(outcome.error is not None and outcome.error.code == "rate_limited" for outcome in outcomes)
    STORED.inc(new)
    REPEATS.inc(sum(outcome.row is not None for outcome in outcomes) - new)
    RATE_LIMITED.inc(limited)


class Here:
    """A collector of who is here by the database: asked once for each scrape."""

    def collect(self) -> Iterator[Metric]:
        here = Presence.objects.filter(seen__gt=Presence.horizon())
        people = here.values("sender").distinct().count()
        yield GaugeMetricFamily("chat_sockets_present", "Sockets that are in a room, or listen.", value=here.count())
        yield GaugeMetricFamily("chat_people_present", "People who have them.", value=people)
