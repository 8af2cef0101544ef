"""Views are called by workers, too: a request is a message like any other."""

import os

from django.shortcuts import render


def page(request):
    """The page, and which process made it."""
    return render(request, "processes/page.html", {"pid": os.getpid()})
