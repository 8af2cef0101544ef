"""Which URL is whose."""

from django.urls import path, re_path
from django.views.generic import RedirectView

from examples.models.models import ROOM
from examples.models.views import build, page, say

urlpatterns = [
    path("", RedirectView.as_view(url="lobby/")),
    re_path(r"^(?P<room>%s)/\Z" % ROOM, page, name="models-room"),
    re_path(r"^(?P<room>%s)/say\Z" % ROOM, say, name="models-say"),
    re_path(r"^(?P<room>%s)/build\Z" % ROOM, build, name="models-build"),
]
