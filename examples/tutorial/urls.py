"""Which URL is whose."""

from django.urls import path, re_path
from django.views.generic import TemplateView

urlpatterns = [
    path("", TemplateView.as_view(template_name="tutorial/index.html")),
    re_path(r"^chat/(?P<room>[A-Za-z0-9_-]{1,50})/\Z", TemplateView.as_view(template_name="tutorial/room.html")),
]
