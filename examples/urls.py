"""The pages of all examples in one server: a table of them at /, and each at its own path."""

from django.urls import include, path

from examples.catalogue import NAMES
from examples.views import index

urlpatterns = [
    path("", index, name="examples"),
    *[path("%s/" % name, include("examples.%s.urls" % name)) for name in NAMES],
]
