"""Which URL is whose."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("chatapp.urls")),
    path("admin/", admin.site.urls),
    path("", include("relay.urls")),
]
