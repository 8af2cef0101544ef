"""
What relay raises.

    RelayError
    ├── LayerUnavailable
    │   └── LayerLate
    ├── PrefixTaken
    └── DatabaseShared
"""


class RelayError(Exception):
    """The root of relay's errors."""


class LayerUnavailable(RelayError, ConnectionError):
    """Raised when the server behind a channel layer can't be reached, or does not take commands; try again later."""


class LayerLate(LayerUnavailable):
    """Raised when a server of the channel layer does not answer in time: it is there, as far as one knows."""


class PrefixTaken(RelayError):
    """Raised at the start of a process when another deployment uses the prefix of its channel layer; choose another."""


class DatabaseShared(RelayError):
    """Raised at the start of a server with a layer in memory when another one uses its database; stop one of them."""
