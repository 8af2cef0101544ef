"""The page of `manage.py example all`."""

from django.shortcuts import render

from examples.catalogue import catalogue


def index(request):
    """A table of all examples: where each is from, and what to try."""
    return render(request, "examples/index.html", {"examples": catalogue()})
