"""The chat in Django's admin. Messages are added and read there, not changed: a number once given stays what it was."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from chatapp.forms import AdminLoginForm
from chatapp.models import ChatMessage, Grant, Room

admin.site.login_form = AdminLoginForm


@admin.register(Room)
class RoomAdmin(admin.ModelAdmin):
    list_display = ["slug", "title", "head", "created"]
    search_fields = ["slug", "title"]
    readonly_fields = ["head", "announced", "created"]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A room goes with its messages, which are not deleted one by one (see below)."""
        found, counts, missing, protected = super().get_deleted_objects(objs, request)
        return found, counts, missing - {ChatMessage._meta.verbose_name}, protected


@admin.register(ChatMessage)
class ChatMessageAdmin(admin.ModelAdmin):
    list_display = ["room", "seq", "name", "message", "sent"]
    list_filter = ["room"]
    list_select_related = ["room"]
    search_fields = ["name", "message"]
    raw_id_fields = ["room"]
    fields = ["room", "name", "message"]
    ordering = ["-id"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Grant)
class GrantAdmin(admin.ModelAdmin):
    """Who may come in by tokens. To delete a grant revokes its tokens."""

    list_display = ["user", "made", "ends"]
    list_select_related = ["user"]
    raw_id_fields = ["user"]
    readonly_fields = ["user", "made", "ends"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
