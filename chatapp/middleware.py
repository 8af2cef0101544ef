"""What every page's answer says to the browser, and who may see the admin."""

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse

#: Scripts, styles and connections of our own only, and nothing inline: text from others can never become code. Safari
#: before 15.4 does not count a WebSocket to the same host as 'self', so its host is named too.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self' {sockets}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
ADMIN = "/admin/"
#: Django's admin hides an element or two by an attribute. It needs no inline script.
IN_ADMIN = "; style-src-attr 'unsafe-inline'"
#: What browsers are told beside that, unless a view says otherwise. Pages say who is logged in, so nobody keeps them.
HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "private, no-store",
}

View = Callable[[HttpRequest], HttpResponse]


def security_headers(get_response: View) -> View:
    """Middleware that sets the Content-Security-Policy, and HEADERS."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for name, value in HEADERS.items():
            response.setdefault(name, value)
        response["Content-Security-Policy"] = policy(request)
        return response

    return middleware


def policy(request: HttpRequest) -> str:
    here = "%s://%s" % ("wss" if request.is_secure() else "ws", request.get_host())
    found = POLICY.format(sockets=" ".join(filter(None, [here, settings.CHAT_SOCKET_URL])))
    return found + IN_ADMIN if request.path_info.startswith(ADMIN) else found


def too_many_tries(get_response: View) -> View:
    """Middleware that answers 429 where a form had to tell somebody to wait (`forms.wait_text`)."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        wait = getattr(request, "retry_after", None)
        if wait is not None:
            response.status_code = 429
            response["Retry-After"] = str(wait)
        return response

    return middleware


def guard_admin(get_response: View) -> View:
    """Middleware that shows the admin to addresses of CHAT_ADMIN_NETWORKS only."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(ADMIN) and not may_administer(request.META.get("REMOTE_ADDR", "")):
            raise Http404
        return get_response(request)

    return middleware


def may_administer(host: str) -> bool:
    """Whether the admin is for this address. Without CHAT_ADMIN_NETWORKS it is for any."""
    if not settings.CHAT_ADMIN_NETWORKS:
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    networks = (ipaddress.ip_network(name, strict=False) for name in settings.CHAT_ADMIN_NETWORKS)
    return any(address in network for network in networks)
