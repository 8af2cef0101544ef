"""Which names the channel layer takes, checked strictly and also under `python -O`."""

import re

#: Names are shorter than this many characters (ASGI 1.x draft, "Channel names").
LENGTH_LIMIT = 100

CHANNEL_NAME = re.compile(r"[a-zA-Z0-9\-_.]+([?!][a-zA-Z0-9\-_.]*)?")
GROUP_NAME = re.compile(r"[a-zA-Z0-9\-_.]+")


class StrictNames:
    """
    Mix-in for asgiref 1's BaseChannelLayer: its name checks, without their holes (A24).

    The parent's patterns end in `$`, which lets a trailing newline pass, and use `\\d` and `\\w`, which match every
    script's digits and letters. Raises TypeError, as the parent does, and names the culprit.
    """

    @staticmethod
    def valid_channel_name(name: str, receive: bool = False) -> bool:
        if not (isinstance(name, str) and len(name) < LENGTH_LIMIT and CHANNEL_NAME.fullmatch(name)):
            raise TypeError(
                "%r is no channel name: it must be a string of fewer than %d ASCII letters, digits, hyphens, "
                "underscores and periods, with at most one ? or !" % (name, LENGTH_LIMIT)
            )
        if name.endswith("?"):
            raise TypeError("Single-reader channel name %r must not end with ?" % name)
        if receive and "!" in name and not name.endswith("!"):
            raise TypeError("Process-local channel name %r in receive() must end at the !" % name)
        return True

    @staticmethod
    def valid_group_name(name: str) -> bool:
        if not (isinstance(name, str) and len(name) < LENGTH_LIMIT and GROUP_NAME.fullmatch(name)):
            raise TypeError(
                "%r is no group name: it must be a string of fewer than %d ASCII letters, digits, hyphens, "
                "underscores and periods" % (name, LENGTH_LIMIT)
            )
        return True
