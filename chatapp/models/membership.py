"""Who belongs to a room: those are told of what is said there while they are elsewhere."""

from collections.abc import Collection

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.utils import timezone

from chatapp.models.rooms import Room


class Membership(models.Model):
    """Somebody with an account who has said something in a room; or, `muted`, wants to hear no more of it."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="memberships", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    muted = models.BooleanField(default=False)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["room", "user"], name="one_membership_a_room")]

    @classmethod
    def join(cls, room: Room, user_ids: Collection[int]) -> None:
        """These users belong to the room now, but for those who left it, and for accounts that are gone."""
        known = set(cls.objects.filter(room=room, user_id__in=user_ids).values_list("user_id", flat=True))
        missing = set(get_user_model().objects.filter(pk__in=set(user_ids) - known).values_list("pk", flat=True))
        if missing:
            cls.objects.bulk_create([cls(room=room, user_id=pk) for pk in sorted(missing)], ignore_conflicts=True)
            Room.objects.filter(pk=room.pk, followed=False).update(followed=True)

    @classmethod
    def set_muted(cls, room: Room, user_id: int, muted: bool) -> None:
        """Somebody leaves the room, or joins it (again)."""
        cls.objects.update_or_create(room=room, user_id=user_id, defaults={"muted": muted})
        Room.objects.filter(pk=room.pk, followed=False).update(followed=True)
