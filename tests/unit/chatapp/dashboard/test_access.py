from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser

from chatapp.dashboard import access
from chatapp.dashboard.exceptions import DashboardError


def user(active=True, staff=False):
    return SimpleNamespace(is_authenticated=True, is_active=active, is_staff=staff)


@pytest.mark.parametrize(
    ("circle", "who", "code"),
    [
        ("everyone", None, None),
        ("everyone", AnonymousUser(), None),
        ("users", user(), None),
        ("users", None, "login_required"),
        ("users", AnonymousUser(), "login_required"),
        ("users", user(active=False), "login_required"),
        ("staff", user(staff=True), None),
        ("staff", user(), "staff_only"),
        ("staff", AnonymousUser(), "login_required"),
        ("a typing error", user(), "staff_only"),
    ],
)
def test_who_may_see_dashboards(settings_override, circle, who, code):
    settings_override(CHAT_DASHBOARDS=circle)
    if code is None:
        access.check(who)
        return
    with pytest.raises(DashboardError) as caught:
        access.check(who)
    assert caught.value.code == code
