"""Security issues of Django's ASGI handler, and Channels': see docs/cves.md."""

import logging

import pytest

from tests.interface import handshake, status


def get(*headers, path=b"/page"):
    return b"\r\n".join([b"GET %s HTTP/1.1" % path, b"Host: a", *headers, b"", b""])


@pytest.mark.parametrize("path", [b"/a%0aERROR%20forged", b"/a%0d", b"/%1b%5b2J", b"/%c2%9b"])
def test_cve_2025_48432_a_path_writes_no_line_of_its_own_into_the_log(serve, caplog, path):
    """E6"""
    caplog.set_level(logging.DEBUG)
    server = serve()
    assert status(server.request(get(path=path))) == 400
    assert server.app.messages("http.request") == []
    assert "forged" not in caplog.text


def test_cve_2025_14550_headers_without_end_are_refused(serve):
    server = serve()
    assert status(server.request(get(*[b"X-A: 1"] * 600))) == 400
    assert status(server.request(get(*[b"X-A: " + b"1" * 2000] * 20))) == 400
    assert server.app.messages("http.request") == []


def test_cve_2026_3902_a_name_with_an_underscore_passes_for_no_other(serve):
    server = serve()
    assert status(server.request(get(b"X_Forwarded_For: 1.2.3.4", b"Content_Type: x"))) == 200
    (request,) = server.app.messages("http.request")
    assert [name for name, _ in request["headers"]] == [b"host"]


def test_cve_2026_33034_and_5766_no_body_goes_beyond_the_limit(serve, settings_override):
    """E1: neither one that says how long it is, nor one in chunks, which does not."""
    settings_override(RELAY_MAX_BODY_BYTES=1000)
    server = serve()
    post = b"POST / HTTP/1.1\r\nHost: a\r\n"
    assert status(server.request(post + b"Content-Length: 1001\r\n\r\n" + b"x" * 1001)) == 413
    chunks = b"1f4\r\n" + b"x" * 500 + b"\r\n"
    assert status(server.request(post + b"Transfer-Encoding: chunked\r\n\r\n" + chunks * 3 + b"0\r\n\r\n")) == 413
    assert server.app.messages("http.request") == []


@pytest.mark.parametrize("request_of", [get, handshake])
def test_cve_2026_84429_a_content_type_is_short(serve, request_of):
    """E10: Channels parses it for each request, and for each handshake."""
    server = serve()
    crafted = b'Content-Type: a; b="' + b'\\"' * 600
    assert status(server.request(request_of(crafted))) == 400
    assert server.app.seen == []
