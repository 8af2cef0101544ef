"""Which URL is whose."""

from django.urls import re_path
from django.views.generic import TemplateView

# Every path is a room.
urlpatterns = [re_path("", TemplateView.as_view(template_name="explained/page.html"))]
