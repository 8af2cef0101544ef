"""Who checks a password. Set in AUTHENTICATION_BACKENDS, before Django's own, which it leaves nothing to check."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied

from chatapp import throttle

#: Characters of a name and of a password: nobody's are longer, and a hash of megabytes is a way to keep us busy.
NAME_LIMIT, PASSWORD_LIMIT = 150, 4096


class Backend(ModelBackend):
    """Django's ModelBackend, with a limit for guessing (`chatapp.throttle`)."""

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        """The user. Raises ClientError `too_many_tries`, and PermissionDenied: then no other backend is asked."""
        if not username or password is None or len(username) > NAME_LIMIT or len(password) > PASSWORD_LIMIT:
            raise PermissionDenied
        tried = throttle.login(request, username)
        user = super().authenticate(request, username, password)
        if user is None:
            raise PermissionDenied
        tried.succeeded()
        return user
