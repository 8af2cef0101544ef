"""The chat in Django's admin. Messages are added and read there, not changed: a number once given stays what it was."""

from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from django.contrib.auth import get_user_model
from django.core.paginator import Paginator
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import cached_property

from chatapp.forms import AddUserForm, AdminLoginForm, ChangeUserForm
from chatapp.idempotency import once
from chatapp.models import ChatMessage, Grant, Room

admin.site.login_form = AdminLoginForm
admin.site.unregister(get_user_model())
#: Rows of a table that are still counted for its list.
COUNTED = 10000


class NotAdded(Exception):
    """The form was not accepted, so nothing was added."""


class EstimatingPaginator(Paginator):
    """
    Django's Paginator, which counts all rows of a list for each of its pages. This one asks how many there are about,
    but for searches, and for tables that are quickly counted.
    """

    @cached_property
    def count(self) -> int:
        if self.object_list.query.where:
            return super().count
        table = self.object_list.model._meta.db_table
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SELECT reltuples::bigint FROM pg_class WHERE oid = %s::regclass", [table])
            else:
                cursor.execute("SELECT max(id) FROM %s" % connection.ops.quote_name(table))
            about = cursor.fetchone()[0] or 0
        return about if about > COUNTED else super().count


class AddedOnce(admin.ModelAdmin):
    """Django's ModelAdmin, which adds a row each time that the add form is delivered (C1)."""

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        if request.method != "POST":
            return super().add_view(request, form_url, extra_context)
        responses: list[HttpResponse] = []

        def add() -> str:
            responses.append(super(AddedOnce, self).add_view(request, form_url, extra_context))
            if not hasattr(request, "added"):
                raise NotAdded
            return str(request.added.pk)

        pk = ""
        with suppress(NotAdded):
            # Django runs the add view in a transaction anyway.
            pk = once(request, "add:" + self.model._meta.label_lower, add)
        if responses:
            return responses[0]
        return self.response_add(request, get_object_or_404(self.model, pk=pk))

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        request.added = obj
        return super().response_add(request, obj, post_url_continue)


@admin.register(get_user_model())
class UserAdmin(auth_admin.UserAdmin):
    """Django's UserAdmin, whose forms compare names."""

    form = ChangeUserForm
    add_form = AddUserForm


@admin.register(Room)
class RoomAdmin(AddedOnce):
    list_display = ["slug", "title", "head", "created"]
    paginator = EstimatingPaginator
    show_full_result_count = False
    search_fields = ["slug", "title"]
    readonly_fields = ["head", "announced", "created"]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A room goes with its messages, which are not deleted one by one (see below)."""
        found, counts, missing, protected = super().get_deleted_objects(objs, request)
        return found, counts, missing - {ChatMessage._meta.verbose_name}, protected


@admin.register(ChatMessage)
class ChatMessageAdmin(AddedOnce):
    list_display = ["room", "seq", "name", "message", "sent"]
    paginator = EstimatingPaginator
    show_full_result_count = False
    list_select_related = ["room"]
    search_fields = ["room__slug", "name", "message"]
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
