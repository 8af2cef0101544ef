"""What commands that run for long have to say about their logs."""

import logging
from argparse import ArgumentParser

from pythonjsonlogger.json import JsonFormatter

#: The fields of a line, under the names that most collectors look for.
FIELDS = {"asctime": "time", "levelname": "level", "name": "logger"}


def add_logging_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--json-logs", action="store_true", help="log one JSON object a line, for machines to read")


def log_as_json() -> None:
    """Have every handler that is set up write JSON."""
    formatter = JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s", rename_fields=FIELDS)
    known = [logger for logger in logging.root.manager.loggerDict.values() if isinstance(logger, logging.Logger)]
    for logger in [logging.root, *known]:
        for handler in logger.handlers:
            handler.setFormatter(formatter)
