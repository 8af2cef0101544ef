"""Answers requests without a view."""

from channels.handler import AsgiHandler
from django.http import HttpResponse


def http_request(message):
    """Say hello, and what was asked for."""
    # Plain text: as HTML, a path that somebody made up would have to be escaped.
    response = HttpResponse("Hello world! You asked for %s" % message["path"], content_type="text/plain; charset=utf-8")
    # A response is sent as one message or, if it is large, as several.
    for chunk in AsgiHandler.encode_response(response):
        message.reply_channel.send(chunk)
