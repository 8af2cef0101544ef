"""Django's view of the notifications."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks


class NotificationsConfig(AppConfig):
    name = "chatapp.notifications"
    verbose_name = "Notifications"

    def ready(self) -> None:
        checks.register(check_backends)


def check_backends(**kwargs: Any) -> list[checks.Error]:
    """Each backend can be imported, and has what it needs."""
    from chatapp.notifications import backends

    errors = []
    for name in settings.CHAT_NOTIFICATION_BACKENDS:
        try:
            backends.named(name)
        except ImportError as e:
            hint = "Name socket, email, webhook, or the dotted path of a class."
            errors.append(
                checks.Error("CHAT_NOTIFICATION_BACKENDS: %r: %s" % (name, e), hint=hint, id="notifications.E001")
            )
    if "webhook" in settings.CHAT_NOTIFICATION_BACKENDS and not settings.CHAT_WEBHOOK_URL:
        errors.append(checks.Error("The backend webhook needs CHAT_WEBHOOK_URL.", id="notifications.E002"))
    return errors
