"""How log lines look, for people and for machines; and what does not belong into them."""

import logging
import re
from argparse import ArgumentParser
from typing import Any

from pythonjsonlogger.json import JsonFormatter

#: How a line looks where the project says nothing about it.
LINE = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
#: The fields of a line, under the names that most collectors look for.
FIELDS = {"asctime": "time", "levelname": "level", "name": "logger"}
#: From which level on lines are written, by --verbosity.
LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)
#: PostgreSQL tells with an error the whole row that it is about, with what people wrote and the hashes of passwords. It
#: goes on over the lines of a text; after it comes the next part of a traceback, if anything.
DETAIL = re.compile(
    r"^DETAIL:.*?(?=\n+(?:The above exception|During handling|Traceback)|\s*\Z)", re.MULTILINE | re.DOTALL
)


class LineFormatter(logging.Formatter):
    """
    logging's Formatter, which adds what a line is about (`relay.traces`) where there is such a thing, and leaves out
    the rows in a database's errors.
    """

    def format(self, record: logging.LogRecord) -> str:
        return without_rows(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:
        # Before a traceback, if one follows.
        line = super().formatMessage(record)
        trace = getattr(record, "trace", "")
        return "%s trace=%s" % (line, trace) if trace else line


class JsonLineFormatter(JsonFormatter):
    """The same as JSON. What a record is about comes with it."""

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        found = super().process_log_record(log_data)
        return {key: without_rows(value) if isinstance(value, str) else value for key, value in found.items()}


def without_rows(text: str) -> str:
    return DETAIL.sub("DETAIL: left out", text) if "DETAIL:" in text else text


def add_logging_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json-logs", action="store_true", help="log one JSON object a line, for machines to read")


def be_heard(verbosity: int) -> None:
    """
    Write what is logged to the standard error, also in a project whose LOGGING has no place for it (D2). Call it when
    that is in force: what it says goes.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter(LINE))
    for logger in map(logging.getLogger, ("relay", "daphne", "django.channels")):
        if not is_heard(logger):
            logger.addHandler(handler)
            logger.setLevel(LEVELS[max(0, min(verbosity, 2))])
            logger.propagate = False


def is_heard(logger: logging.Logger | None) -> bool:
    """Whether its lines go anywhere: as `hasHandlers`, for which a handler that writes nothing counts, too."""
    while logger is not None:
        if any(not isinstance(handler, logging.NullHandler) for handler in logger.handlers):
            return True
        logger = logger.parent if logger.propagate else None
    return False


def log_as_json() -> None:
    """Have every handler that is set up write JSON."""
    formatter = JsonLineFormatter("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields=FIELDS)
    known = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    for logger in [logging.root, *known]:
        for handler in logger.handlers:
            handler.setFormatter(formatter)
