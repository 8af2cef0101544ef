"""Which URL is whose."""

from django.urls import path

from examples.processes.views import page

urlpatterns = [path("", page)]
