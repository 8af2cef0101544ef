"""Log lines that can be shown to others."""

import logging
import re

#: PostgreSQL tells with an error the whole row that it is about, with what people wrote and the hashes of passwords. It
#: goes on over the lines of a text; after it comes the next part of a traceback, if anything.
DETAIL = re.compile(
    r"^DETAIL:.*?(?=\n+(?:The above exception|During handling|Traceback)|\s*\Z)", re.MULTILINE | re.DOTALL
)


class Formatter(logging.Formatter):
    """Python's Formatter, which writes whatever an exception says. This one leaves out the rows in a database's."""

    def format(self, record: logging.LogRecord) -> str:
        return without_rows(super().format(record))


def without_rows(text: str) -> str:
    return DETAIL.sub("DETAIL: left out", text) if "DETAIL:" in text else text
