"""Which URL is whose."""

from django.urls import path

from examples.rooms.views import page

urlpatterns = [
    path("", page),
    path("<slug:room>/", page),
]
