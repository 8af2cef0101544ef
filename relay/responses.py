"""Answering HTTP requests, which may be none, for interface servers that may be gone."""

import cgi
import codecs
import contextlib
import functools
import logging
import re
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any

from channels import handler, staticfiles
from channels.message import Message
from django.core.exceptions import SuspiciousOperation
from django.core.handlers import base
from django.core.handlers.exception import response_for_exception
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.template import TemplateDoesNotExist, loader

from relay import databases
from relay.streams import Stream, fetch_body

logger = logging.getLogger(__name__)

#: Charsets of Python's that no text is in: they are for names of hosts and for Python's own literals.
NO_CHARSETS = {"idna", "punycode", "unicode-escape", "raw-unicode-escape"}
#: What stands between the parts of a form (RFC 2046, section 5.1.1). Without one, Django fails as it says so.
BOUNDARY = re.compile(r"[ -~]{0,199}[!-~]")


class Request(handler.AsgiRequest):
    """
    Channels' request, which believes whatever its Content-Type says, and fails on it later: an error of ours. And it
    does not know that it was delivered before (C1): see `delivery_id`.
    """

    def __init__(self, message: Message):
        check_content_type(b",".join(value for name, value in message.get("headers", []) if name == b"content-type"))
        size = message.get("body_size")
        if size is None:
            super().__init__(message)
        else:
            self.take_body(message, size)
        if self.content_type == "application/x-www-form-urlencoded":
            # Such a form is in UTF-8, whatever else it says (RFC 1866, WHATWG URL). Django refuses what says otherwise,
            # and fails on its own page for that, which looks at the form once more.
            self._encoding = None
        # A client whose address is not known (S2) has none, and much code expects the name.
        self.META.setdefault("REMOTE_ADDR", "")

    def take_body(self, message: Message, size: int) -> None:
        """
        A body that is with the interface server. It is fetched before the view runs: within a transaction of the view's
        nothing could be asked for.
        """
        body = fetch_body(message)
        # The parent would wait for messages with the body, and read them into memory.
        message.content.pop("body_channel", None)
        super().__init__(message)
        del self._body
        self._stream = body
        # One that came in chunks has no length of its own.
        self.META["CONTENT_LENGTH"] = str(size)

    @property
    def delivery_id(self) -> str:
        """
        The id of the `http.request` message: the same each time that it is delivered, and no other request's.

        A worker may die, or stand still for longer than its lease, after a view has committed and before it has
        answered. The request is then delivered to another worker, and the view runs again. This is the idempotency key
        by which it can tell; docs/worker.md shows how.

        An empty string on a layer that gives messages no id, which never delivers one again. Where Django is served
        otherwise (WSGI, Django's test client) a request has no such attribute.
        """
        return getattr(self.message.content, "id", "")


def check_content_type(value: bytes) -> None:
    """Raises SuspiciousOperation."""
    if not value.isascii():
        raise SuspiciousOperation("The Content-Type is not ASCII")
    kind, parameters = cgi.parse_header(value.decode())
    if kind.lower().startswith("multipart/") and not BOUNDARY.fullmatch(parameters.get("boundary", "")):
        raise SuspiciousOperation("The Content-Type has no boundary")
    if not is_charset(parameters.get("charset") or "utf-8"):
        raise SuspiciousOperation("The Content-Type has a charset that is not taken")


def is_charset(name: str) -> bool:
    """Whether text may be in it. Python knows more codecs, as zlib."""
    try:
        b"a".decode(name, "replace")
    except (LookupError, ValueError):
        return False
    return codecs.lookup(name).name.replace("_", "-") not in NO_CHARSETS


View = Callable[[HttpRequest], HttpResponse]
_loading = threading.Lock()


class Unfailing(handler.AsgiHandler):
    """
    A part of the handlers. Django answers 500 for whatever a view or a middleware raises. If that is not the request's
    fault, as when the database is away or read-only, it is answered 503 here, and when to ask again.
    """

    #: Bytes of a part of a response: what else is for the same interface server waits no longer than for one of these.
    chunk_size = 128 * 1024

    @classmethod
    def encode_response(cls, response: HttpResponse) -> Iterator[dict[str, Any]]:
        """As Channels', which closes no response whose sending ends early: a generator would live on (S5)."""
        try:
            yield from super().encode_response(response)
        except BaseException:
            response.close()
            raise

    def load_middleware(self) -> None:
        # Django wraps each middleware, and the view, in this function, and has no setting for it.
        with _loading:
            before, base.convert_exception_to_response = base.convert_exception_to_response, answer_exceptions
            try:
                super().load_middleware()
            finally:
                base.convert_exception_to_response = before


def answer_exceptions(get_response: View) -> View:
    """Django's `convert_exception_to_response`, which also tells what is not the request's fault."""

    @functools.wraps(get_response)
    def inner(request: HttpRequest) -> HttpResponse:
        try:
            return get_response(request)
        except Exception as e:
            trouble = databases.excuse(e)
            return response_for_exception(request, e) if trouble is None else unavailable(request, e, trouble)

    return inner


def unavailable(request: HttpRequest, error: Exception, trouble: databases.Trouble) -> HttpResponse:
    """
    The answer to a request that can't be handled now. A browser that wants a page gets the template 503.html without a
    context, as Django's 500.html, if there is one; and loads it again by itself.
    """
    if hasattr(request, "session"):
        # As with 500, nothing is kept; to try would only raise once more.
        request.session.modified = False
    logger.warning("%s is answered 503 (%s): %s", request.path, trouble.name, databases.said(error))
    text, kind = "The service can't do this just now. Try again in a few seconds.\n", "text/plain"
    wants_page = request.method == "GET" and "text/html" in request.META.get("HTTP_ACCEPT", "")
    if wants_page:
        with contextlib.suppress(TemplateDoesNotExist):
            text, kind = loader.get_template("503.html").render(), "text/html"
    response = HttpResponse(text, status=503, content_type=kind + "; charset=utf-8")
    response["Retry-After"] = str(trouble.retry_after)
    response["Cache-Control"] = "no-store"
    if wants_page:
        response["Refresh"] = str(trouble.retry_after)
    # Django would log it once more, as an error.
    response._has_been_logged = True
    return response


class Handler(Unfailing):
    request_class = Request


class StaticFilesHandler(Unfailing, staticfiles.StaticFilesHandler):
    request_class = Request


class ViewConsumer(handler.ViewConsumer):
    """
    Channels' ViewConsumer, which holds its worker for as long as nobody reads a response: for ever, or until what is
    queued for an interface server that died expires (B17), and goes on when its client has left (S5). Here it is cut
    off. What is no request is answered 400.
    """

    handler_class = Handler

    def __call__(self, message: Message) -> None:
        stream = Stream(message)
        with contextlib.closing(self.answer(message)) as parts:
            for part in parts:
                if not stream.send(part):
                    return

    def answer(self, message: Message) -> Generator[dict[str, Any], None, None]:
        try:
            yield from self.handler(message)
        except SuspiciousOperation as e:
            # Raised before there was a request: else Django answers it.
            logger.warning("A request was refused: %s", e)
            yield from self.handler.encode_response(HttpResponseBadRequest())


class StaticFilesConsumer(ViewConsumer):
    """Channels' StaticFilesConsumer, likewise."""

    handler_class = StaticFilesHandler
