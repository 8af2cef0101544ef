"""
Where a message is, and where it has been: what an interface server reads gets an id, which travels with all that
follows from it, and stands in every log line about it. One search for the id, in the logs of all processes, tells where
the time went.

It travels in the content, under KEY. What a consumer sends while it handles a message inherits that message's; a
consumer of batches says which message it is at (`relay.outbox.handling`). No client ever sees it.
"""

import itertools
import logging
import secrets
import threading
import time
from typing import Any

#: Where a message carries its trace: a list of the id, and when the first message was read, in seconds since the epoch.
KEY = "relay.trace"
Trace = list[Any]
#: Ids that one log line names.
SHOWN = 3
ID_LIMIT = 64

#: Each step of a message's way is a line here, at DEBUG. Whoever has no more than logging's API can add one.
steps = logging.getLogger("relay.trace")

_numbers = itertools.count(1)
_tag = secrets.token_hex(3)


class _Here(threading.local):
    #: Of what this thread is at: one for a message, several for a batch.
    traces: tuple[Trace, ...] = ()


_here = _Here()


def begin() -> Trace:
    """Of what was read just now. Its id says nothing about where it comes from."""
    return ["%s-%x" % (_tag, next(_numbers)), time.time()]


def trace_of(content: dict[str, Any]) -> Trace | None:
    """What a message carries, if it is a trace: anybody may have sent anything."""
    found = content.get(KEY)
    if found is None or type(found) is not list or len(found) != 2:
        return None
    name, read = found
    sound = type(name) is str and type(read) is float and len(name) <= ID_LIMIT and name.isprintable()
    return found if sound else None


class about:
    """While it lasts, this thread is at what these are of."""

    __slots__ = ("before", "traces")

    def __init__(self, traces: tuple[Trace, ...]):
        self.traces = traces

    def __enter__(self) -> None:
        self.before = _here.traces
        _here.traces = self.traces

    def __exit__(self, *exc_info: Any) -> None:
        _here.traces = self.before


def stamped(content: dict[str, Any], trace: Trace | None = None) -> dict[str, Any]:
    """
    The content with a trace: this one, or that of the one message that this thread is at. One that has its own keeps
    it. The dict itself is left alone: it may be a constant.
    """
    if trace is None:
        if len(_here.traces) != 1:
            return content
        trace = _here.traces[0]
    return content if KEY in content else {**content, KEY: trace}


def step(trace: Trace | None, text: str, *args: Any) -> None:
    """Log a step of what has this trace, if that is wanted. Ask `steps.isEnabledFor` before where it is much."""
    if trace is not None and steps.isEnabledFor(logging.DEBUG):
        with about((trace,)):
            steps.debug(text, *args)


def shown(traces: tuple[Trace, ...]) -> str:
    """The ids, for people; the first of many."""
    text = ",".join(name for name, _ in traces[:SHOWN])
    return text if len(traces) <= SHOWN else "%s+%d" % (text, len(traces) - SHOWN)


def mark_records() -> None:
    """Have every log record of this process say what it is about: `record.trace`, where there is something to say."""
    make = logging.getLogRecordFactory()
    if getattr(make, "marks_traces", False):
        return

    def factory(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        if _here.traces:
            record.trace = shown(_here.traces)
        return record

    factory.marks_traces = True  # type: ignore[attr-defined]
    logging.setLogRecordFactory(factory)
