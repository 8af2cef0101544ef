"""
What can go wrong for who posts points or looks at dashboards, beside the errors of the chat that mean the same here.

`docs/dashboard.md` lists the same codes; a test compares. As in the chat, a close code from 4500 on means: don't come
back.
"""

from chatapp.exceptions import ClientError

#: Error code → what the person at the other end reads.
ERRORS = {
    "login_required": "Log in to see dashboards.",
    "staff_only": "Only the staff may see dashboards here.",
    "invalid_dashboard": "A dashboard's name consists of 1 to 32 letters (a to z), digits, hyphens and underscores.",
    "invalid_series": (
        "A series is called like its dashboard, or <dashboard>.<chart>, or <dashboard>.<chart>.<line>: each part 1 to "
        "32 letters (a to z), digits, hyphens and underscores, 80 characters in all."
    ),
    "no_such_series": "This dashboard has no such series.",
    "reserved_series": "Series of the dashboard `service` are written by the service itself.",
    "too_many_series": "There are too many series already. Staff can delete some in the admin.",
    "not_your_series": "This series is somebody else's. Post to one of your own, or ask the staff to share it.",
    "too_many_of_yours": "You have as many series as one account may have (CHAT_SERIES_PER_USER).",
    "invalid_points": "The points can't be stored.",
    "nobody_listens": (
        "The points are stored, but no worker listens on the channel `dashboard-points`: no browser shows them until "
        "one does. Start one: python manage.py runworker."
    ),
    "layer_full": (
        "The points are stored, but the channel `dashboard-points` is full: browsers show them late. More workers, or "
        "fewer and larger posts, help."
    ),
    "layer_down": (
        "The points are stored, but the channel layer can't be reached: browsers show them when it is back."
    ),
}

#: Error code → close code of the socket.
CLOSE_CODES = {"login_required": 4510, "staff_only": 4511, "invalid_dashboard": 4512}

#: Error code → HTTP status, where it isn't 400.
STATUS = {
    "reserved_series": 403,
    "not_your_series": 403,
    "too_many_series": 409,
    "too_many_of_yours": 409,
    "nobody_listens": 503,
    "layer_full": 503,
    "layer_down": 503,
}


class DashboardError(ClientError):
    """A ClientError of the dashboards' own table. `detail` says more of what is wrong, for whoever posted it."""

    def __init__(self, code: str, detail: str = ""):
        text = " ".join(filter(None, [ERRORS[code], detail]))
        Exception.__init__(self, "%s (%s)" % (text, code))
        self.code = code
        self.text = text
        self.client_id = None
        self.retry_after = None

    @property
    def close_code(self) -> int | None:
        return CLOSE_CODES.get(self.code)

    @property
    def status(self) -> int:
        """Of an HTTP answer."""
        return STATUS.get(self.code, 400)
