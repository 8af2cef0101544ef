"""
What relay raises.

    RelayError
    └── LayerUnavailable
        └── LayerLate
"""


class RelayError(Exception):
    """The root of relay's errors."""


class LayerUnavailable(RelayError, ConnectionError):
    """Raised when the server behind a channel layer can't be reached, or does not take commands; try again later."""


class LayerLate(LayerUnavailable):
    """Raised when a server of the channel layer does not answer in time: it is there, as far as one knows."""
