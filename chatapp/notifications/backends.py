"""
How notifications reach a user. CHAT_NOTIFICATION_BACKENDS names the backends that are used: `socket`, `email`,
`webhook`, or the dotted path of a class of your own.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.mail import send_mail
from django.utils.module_loading import import_string

from chatapp.models import Presence
from chatapp.notifications import inbox
from chatapp.notifications.models import Notification

#: Seconds that a webhook may take to answer, in all.
WEBHOOK_TIMEOUT = 10


class Backend:
    """
    A way to reach users. `deliver` raises if it could not: then it is tried again, more and more seldom, and at last a
    dead letter. It may be called twice for one notification, if a worker dies before it could note the success. It is
    not called for what was read meanwhile.
    """

    #: Whether it tells of a notification each time that it comes anew, though the user has not read it since.
    each_time = False
    #: Whether it may have to wait for somebody else's server: then workers of its own may do it.
    slow = True
    #: Seconds that it waits first: what is read by then need not be delivered.
    delay = 0

    @property
    def pause(self) -> float:
        """Seconds between two times that it tells one user; what comes meanwhile goes to `deliver_all` together."""
        return 0

    def wants(self, notification: Notification) -> bool:
        """Whether there is anything to deliver, when the notification is made."""
        return True

    def is_time(self, notification: Notification) -> bool:
        """Whether to deliver now; it is asked again after `delay` seconds."""
        return True

    def deliver(self, notification: Notification, time: int) -> None:
        """time: how often this notification has come, this time included."""
        raise NotImplementedError

    def deliver_all(self, notifications: Sequence[Notification], left_out: int) -> None:
        """For a backend with a `pause`: what came to one user, the oldest first, and how many more there are."""
        raise NotImplementedError


class Socket(Backend):
    """
    All open sockets of the user. Those that are closed get the list when they come back; and with each keepalive they
    hear how many are unread, so that one that missed something finds out.
    """

    each_time = True
    slow = False

    def wants(self, notification: Notification) -> bool:
        return Presence.is_here(notification.user_id)

    def deliver(self, notification: Notification, time: int) -> None:
        inbox.push(notification)


class Email(Backend):
    """
    The user's e-mail address, if there is one, once the user is gone and has not read it. Nobody gets more than one
    e-mail in CHAT_EMAIL_PAUSE seconds, whoever writes how much: the next one lists what came.
    """

    delay = 120

    @property
    def pause(self) -> float:
        return settings.CHAT_EMAIL_PAUSE

    def wants(self, notification: Notification) -> bool:
        return bool(notification.user.email)

    def is_time(self, notification: Notification) -> bool:
        return not Presence.is_here(notification.user_id)

    def deliver(self, notification: Notification, time: int) -> None:
        self.deliver_all([notification], 0)

    def deliver_all(self, notifications: Sequence[Notification], left_out: int) -> None:
        site = settings.CHAT_URL.rstrip("/")
        body = "\n".join("%s\n\n%s%s\n" % (one.text, site, one.url or "/") for one in notifications)
        if left_out:
            body += "\nAnd %d more: %s/\n" % (left_out, site)
        subject = " ".join(notifications[0].text.split())[:80]
        if len(notifications) + left_out > 1:
            subject = "%d notifications" % (len(notifications) + left_out)
        send_mail(subject, body, settings.DEFAULT_FROM_EMAIL, [notifications[0].user.email])


class Webhook(Backend):
    """
    `POST` to CHAT_WEBHOOK_URL, as JSON. `X-Parley-Signature: sha256=<hex>` is the HMAC of the body under
    CHAT_WEBHOOK_SECRET. `delivery` in the body, also in `X-Parley-Delivery`, is the same only for a repeat. Any answer
    but 2xx is a failure; what it says is not read.
    """

    def deliver(self, notification: Notification, time: int) -> None:
        # Here, as to import it takes a sixth of a worker's start, and few have a webhook.
        import requests

        from chatapp.notifications.http import post

        number = "%d.%d" % (notification.pk, time)
        said = {**inbox.described(notification), "user": notification.user.get_username(), "delivery": number}
        body = json.dumps(said).encode("utf-8")
        headers = {"Content-Type": "application/json", "X-Parley-Delivery": number}
        if settings.CHAT_WEBHOOK_SECRET:
            mark = hmac.new(settings.CHAT_WEBHOOK_SECRET.encode("utf-8"), body, hashlib.sha256).hexdigest()
            headers["X-Parley-Signature"] = "sha256=" + mark
        try:
            status = post(settings.CHAT_WEBHOOK_URL, body, headers, WEBHOOK_TIMEOUT)
        except (requests.RequestException, TimeoutError) as e:
            # Its text has the URL, which often is a secret; it goes to the log.
            raise requests.RequestException("The webhook can't be reached: %s" % type(e).__name__) from None
        if not 200 <= status < 300:
            raise requests.HTTPError("The webhook answered %d" % status)


#: Names for the backends that are here.
SHORT = {"socket": Socket, "email": Email, "webhook": Webhook}


def installed() -> dict[str, Backend]:
    """The backends in use, by name."""
    return {name: named(name) for name in settings.CHAT_NOTIFICATION_BACKENDS}


def named(name: str) -> Any:
    """The backend of this name. Raises ImportError."""
    return (SHORT.get(name) or import_string(name))()
