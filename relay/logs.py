"""How log lines look, for people and for machines."""

import logging
from argparse import ArgumentParser

from pythonjsonlogger.json import JsonFormatter

#: The fields of a line, under the names that most collectors look for.
FIELDS = {"asctime": "time", "levelname": "level", "name": "logger"}


class LineFormatter(logging.Formatter):
    """logging's Formatter, which adds what a line is about (`relay.traces`) where there is such a thing."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        # Before a traceback, if one follows.
        line = super().formatMessage(record)
        trace = getattr(record, "trace", "")
        return "%s trace=%s" % (line, trace) if trace else line


def add_logging_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json-logs", action="store_true", help="log one JSON object a line, for machines to read")


def log_as_json() -> None:
    """Have every handler that is set up write JSON. What a record is about comes with it."""
    formatter = JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields=FIELDS)
    known = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    for logger in [logging.root, *known]:
        for handler in logger.handlers:
            handler.setFormatter(formatter)
