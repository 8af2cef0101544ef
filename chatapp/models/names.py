"""Which names accounts have, by what they look like."""

from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import connection, models, transaction

from chatapp import names
from chatapp.models.rooms import places


class TakenName(models.Model):
    """
    A look of an account's name (see `chatapp.names`), of which there may be several. No other account is given a name
    of that look, and no guest is called so. Of accounts that are older than this table and look alike, the first has
    the look. An account that was made without signals, as by `bulk_create`, has none until it is saved or logs in.
    """

    look = models.CharField(max_length=names.SKELETON_LIMIT, primary_key=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return self.look

    @staticmethod
    def taken(looks: Collection[str]) -> set[str]:
        """Which of these looks accounts have. Asked whenever a guest says something, so by a plain statement."""
        with connection.cursor() as cursor:
            query = "SELECT look FROM chatapp_takenname WHERE look IN (%s)" % places(len(looks))
            cursor.execute(query, list(looks))
            return {look for (look,) in cursor.fetchall()}

    @classmethod
    def refuse_unless_free(cls, name: str, user_id: int | None = None) -> None:
        """Raise ValidationError unless an account, that of this user or a new one, may be called so."""
        if names.is_blank(name):
            raise ValidationError("There is nothing to see in this name.", code="invalid_name")
        if cls.objects.filter(look__in=names.looks(name)).exclude(user=user_id).exists():
            raise looks_taken()

    @classmethod
    def claim(cls, user_id: int, name: str) -> bool:
        """
        Let an account have the looks of a name that nobody has. Returns whether it has all of them now. If another
        transaction is about to take one, this waits for its end. Always in the same order, so no two wait for each
        other.
        """
        looks = names.looks(name)
        cls.objects.bulk_create([cls(look=look, user_id=user_id) for look in sorted(looks)], ignore_conflicts=True)
        return cls.objects.filter(look__in=looks, user=user_id).count() == len(looks)

    @classmethod
    def claim_or_refuse(cls, user_id: int, name: str) -> None:
        """As `claim`. Raises ValidationError, and claims nothing, unless the account can have all looks of the name."""
        with transaction.atomic():
            if not cls.claim(user_id, name):
                raise looks_taken()

    @classmethod
    def release_all_but(cls, user_id: int, name: str) -> None:
        """An account has this name now, and no longer that which it had before."""
        cls.objects.filter(user=user_id).exclude(look__in=names.looks(name)).delete()


def looks_taken() -> ValidationError:
    return ValidationError("An account with this name, or one that looks the same, already exists.", code="name_taken")


def is_named(user: Any, update_fields: Collection[str] | None) -> bool:
    """Whether saving these fields of a user saves the name."""
    return update_fields is None or user.USERNAME_FIELD in update_fields


def check_before_saving(instance: Any, raw: bool, update_fields: Collection[str] | None, **kwargs: Any) -> None:
    """
    An account is about to be saved. Raises ValidationError if it is new or renamed, and its name looks like another
    account's. An account that is older than this table keeps its name.
    """
    if raw or not is_named(instance, update_fields):
        return
    name = instance.get_username()
    if instance._state.adding:
        TakenName.refuse_unless_free(name)
    elif name not in get_user_model().objects.filter(pk=instance.pk).values_list(instance.USERNAME_FIELD, flat=True):
        TakenName.refuse_unless_free(name, instance.pk)
        TakenName.claim_or_refuse(instance.pk, name)


def claim_when_saved(
    instance: Any, created: bool, raw: bool, update_fields: Collection[str] | None, **kwargs: Any
) -> None:
    """
    An account was saved. If another of that look was made at the same moment and has it already, this one is deleted,
    and ValidationError is raised.
    """
    if not is_named(instance, update_fields):
        return
    name = instance.get_username()
    TakenName.release_all_but(instance.pk, name)
    if not TakenName.claim(instance.pk, name) and created and not raw:
        instance.delete()
        raise looks_taken()


def claim_at_login(user: Any, **kwargs: Any) -> None:
    """
    An account logs in. It gets the looks of its name that nobody has: it may have been made without signals, or by the
    release before this table during an upgrade, or an account that looked the same may be gone.
    """
    TakenName.claim(user.pk, user.get_username())
