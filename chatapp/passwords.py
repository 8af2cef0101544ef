"""Who checks a password. Set in AUTHENTICATION_BACKENDS, before Django's own, which it leaves nothing to check."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.hashers import make_password
from django.core.exceptions import PermissionDenied

from chatapp import throttle

#: Characters of a name and of a password: nobody's are longer, and a hash of megabytes is a way to keep us busy.
NAME_LIMIT, PASSWORD_LIMIT = 150, 4096


class Backend(ModelBackend):
    """
    Django's ModelBackend, with a limit for guessing (`chatapp.throttle`), and with the same work for every failure: its
    own is done at once with an account that has no usable password, which tells that there is one (CVE-2024-39329).
    """

    def authenticate(
        self, request: Any, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> Any:
        """The user. Raises ClientError `too_many_tries`, and PermissionDenied: then no other backend is asked."""
        if not username or password is None or len(username) > NAME_LIMIT or len(password) > PASSWORD_LIMIT:
            raise PermissionDenied
        tried = throttle.login(request, username)
        user = get_user_model().objects.filter(username=username).first()
        if user is None or not user.has_usable_password():
            make_password(password)
            raise PermissionDenied
        if not user.check_password(password) or not self.user_can_authenticate(user):
            raise PermissionDenied
        tried.succeeded()
        return user
