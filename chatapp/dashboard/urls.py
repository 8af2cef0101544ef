"""The dashboards' URLs."""

from django.urls import path, re_path

from chatapp.dashboard import api, views

urlpatterns = [
    path("dashboard/", views.dashboards, name="dashboards"),
    path("dashboard/<path:name>/", views.dashboard, name="dashboard"),
    # Any name, also an impossible one: the view says what is wrong with it.
    re_path(r"^api/ingest/(?P<series>[\s\S]*?)/?\Z", api.Ingest.as_view(), name="ingest"),
]
