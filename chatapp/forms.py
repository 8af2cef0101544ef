"""The forms for logging in, signing up, and naming accounts: Django's, with limits."""

from typing import Any

from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AdminUserCreationForm, AuthenticationForm, UserChangeForm, UserCreationForm
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator

from chatapp import bots, names
from chatapp.exceptions import ClientError
from chatapp.models import TakenName
from chatapp.passwords import NAME_LIMIT, PASSWORD_LIMIT


def wait_text(request: Any, error: ClientError) -> str:
    """What a page says to who must wait. The answer's status and header are for `middleware.too_many_tries`."""
    request.retry_after = error.whole_seconds
    return "Too many tries. Try again in %d s." % request.retry_after


class Login:
    """Of an AuthenticationForm: what is too long is not looked at, and who must wait is told so."""

    request: Any

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        limit_lengths(self, username=NAME_LIMIT, password=PASSWORD_LIMIT)

    def clean(self) -> Any:
        try:
            return super().clean()  # type: ignore[misc]  # a mixin
        except ClientError as e:
            raise ValidationError(wait_text(self.request, e), code=e.code) from None


class LoginForm(Login, AuthenticationForm):
    """Django's AuthenticationForm, with limits."""


class AdminLoginForm(Login, AdminAuthenticationForm):
    """The admin's AdminAuthenticationForm, with limits."""


class Naming:
    """A form that names an account: a name that looks like another account's is an error of the field."""

    cleaned_data: dict[str, Any]
    changed_data: list[str]
    instance: Any

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        if "username" in self.changed_data:
            TakenName.refuse_unless_free(name, self.instance.pk)
        return name


class AddUserForm(Naming, AdminUserCreationForm):
    """The admin's AdminUserCreationForm, which compares names."""


class ChangeUserForm(Naming, UserChangeForm):
    """The admin's UserChangeForm, which compares names."""


class SignUpForm(Naming, UserCreationForm):
    """Django's UserCreationForm, with limits, and without the names that are reserved."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        limit_lengths(self, password1=PASSWORD_LIMIT, password2=PASSWORD_LIMIT)

    def clean_username(self) -> str:
        name = super().clean_username()
        if names.is_reserved(name, bots.registry):
            raise ValidationError("This name is reserved. Choose another.", code="name_taken")
        return name


def limit_lengths(form: Any, **limits: int) -> None:
    for name, limit in limits.items():
        form.fields[name].validators.append(MaxLengthValidator(limit))
