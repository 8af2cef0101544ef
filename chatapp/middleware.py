"""What every page's answer says to the browser."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

#: Scripts, styles and connections of our own only, and nothing inline: text from others can never become code. Safari
#: before 15.4 does not count a WebSocket to the same host as 'self', so its host is named too.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self' {websocket}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
#: Django's admin has inline scripts and styles of its own.
EXEMPT = "/admin/"


def content_security_policy(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponse]:
    """Middleware that sets the Content-Security-Policy and the Referrer-Policy."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["Referrer-Policy"] = "same-origin"
        if not request.path.startswith(EXEMPT):
            scheme = "wss" if request.is_secure() else "ws"
            response["Content-Security-Policy"] = POLICY.format(websocket="%s://%s" % (scheme, request.get_host()))
        return response

    return middleware
