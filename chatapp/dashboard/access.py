"""Who may see dashboards: one rule for pages and sockets."""

from typing import Any

from django.conf import settings

from chatapp.dashboard.exceptions import DashboardError

#: What CHAT_DASHBOARDS may be.
CIRCLES = ("everyone", "users", "staff")


def check(user: Any) -> None:
    """
    Raise DashboardError unless this user, who may be anonymous, may see dashboards: `login_required` if logging in may
    help, `staff_only` if not.
    """
    if settings.CHAT_DASHBOARDS == "everyone":
        return
    if user is None or not user.is_authenticated or not user.is_active:
        raise DashboardError("login_required")
    # Whatever else it says: the narrowest circle.
    if settings.CHAT_DASHBOARDS != "users" and not user.is_staff:
        raise DashboardError("staff_only")
