"""Which URL is whose."""

from django.contrib import admin
from django.urls import include, path

from chatapp.views import admin_logout

urlpatterns = [
    path("", include("chatapp.urls")),
    path("admin/logout/", admin_logout),
    path("admin/", admin.site.urls),
    path("", include("relay.urls")),
]
