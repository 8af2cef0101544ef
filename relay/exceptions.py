"""
What relay raises.

    RelayError
    └── LayerUnavailable
"""


class RelayError(Exception):
    """The root of relay's errors."""


class LayerUnavailable(RelayError, ConnectionError):
    """Raised when the server behind a channel layer can't be reached, or does not take commands; try again later."""
