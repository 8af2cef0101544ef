"""Which URL is whose."""

from django.urls import path
from django.views.generic import TemplateView

from examples.live_chart.views import Points

urlpatterns = [
    path("", TemplateView.as_view(template_name="live_chart/page.html")),
    path("points", Points.as_view()),
]
