"""The dashboards in Django's admin: series are looked up and deleted there; points come by the API."""

from django.contrib import admin
from django.http import HttpRequest

from chatapp.dashboard.models import Series


@admin.register(Series)
class SeriesAdmin(admin.ModelAdmin):
    list_display = ["name", "owner", "shared", "head", "announced", "created"]
    list_select_related = ["owner"]
    raw_id_fields = ["owner"]
    list_filter = ["dashboard"]
    search_fields = ["name"]
    readonly_fields = ["name", "head", "announced", "created"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
