"""What is believed of headers. How a server uses it is in tests/integration/interface/test_handshake.py."""

import pytest

from relay.headers import BadRequest, Origins, Proxies, clean


def forwarded(chain, **more):
    headers = [(b"x-forwarded-for", part.encode()) for part in chain]
    return headers + [(b"x-forwarded-" + name.encode(), value) for name, value in more.items()]


@pytest.mark.parametrize(
    ("trusted", "peer", "chain", "expected"),
    [
        (["127.0.0.1"], "127.0.0.1", ["1.1.1.1"], "1.1.1.1"),
        (["127.0.0.1"], "127.0.0.1", ["6.6.6.6, 1.1.1.1"], "1.1.1.1"),
        (["127.0.0.1"], "127.0.0.1", ["6.6.6.6", "1.1.1.1"], "1.1.1.1"),
        (["127.0.0.1", "10.0.0.0/8"], "127.0.0.1", ["6.6.6.6, 1.1.1.1, 10.9.9.9"], "1.1.1.1"),
        (["10.0.0.0/8"], "10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (["127.0.0.1"], "2.2.2.2", ["1.1.1.1"], "2.2.2.2"),
        (["*"], "2.2.2.2", ["6.6.6.6, 1.1.1.1"], "1.1.1.1"),
        (["::1"], "::1", ["2001:db8::1"], "2001:db8::1"),
        (["127.0.0.1"], "127.0.0.1", ["203.0.113.7:51008"], "203.0.113.7"),
        (["127.0.0.1"], "127.0.0.1", ["203.0.113.7:"], "203.0.113.7"),
        (["127.0.0.1"], "127.0.0.1", ["[2001:db8::7]:443"], "2001:db8::7"),
        (["127.0.0.1"], "127.0.0.1", ["[2001:db8::7]"], "2001:db8::7"),
        (["127.0.0.1"], "127.0.0.1", ['"[2001:db8::7]:443"'], "2001:db8::7"),
        (["127.0.0.1"], "127.0.0.1", ["203.0.113.7:51008, 127.0.0.1:80"], "203.0.113.7"),
        (["127.0.0.1"], "127.0.0.1", ["unknown"], None),
        (["127.0.0.1"], "127.0.0.1", ["1.1.1.1, unknown"], None),
        (["127.0.0.1"], "127.0.0.1", ["_hidden"], None),
        (["127.0.0.1"], "127.0.0.1", ["fe80::1%eth0"], None),
        (["127.0.0.1"], "127.0.0.1", ["1.1.1.1:2:3"], None),
        (["127.0.0.1"], "127.0.0.1", ["[1.1.1.1"], None),
        (["127.0.0.1"], "127.0.0.1", ["<script>"], None),
        (["127.0.0.1"], "127.0.0.1", [""], None),
        ([], None, ["unknown"], None),
        (["127.0.0.1"], "127.0.0.1", [], "127.0.0.1"),
    ],
)
def test_the_last_address_that_is_no_proxys_is_the_clients(trusted, peer, chain, expected):
    """D23: Daphne takes the first, which anybody may have written, from any peer."""
    client, scheme = Proxies(trusted).client(forwarded(chain), [peer, 5], "http")
    assert (client and client[0], scheme) == (expected, "http")


@pytest.mark.parametrize("name", [b"forwarded", b"x-real-ip"])
def test_who_comes_through_a_proxy_of_another_habit_is_not_the_proxy(name):
    """S2"""
    assert Proxies().client([(name, b"for=127.0.0.1")], ["127.0.0.1", 5], "http")[0] is None
    assert Proxies().client([(name, b"for=127.0.0.1")], ["8.8.8.8", 5], "http")[0] == ["8.8.8.8", 5]


@pytest.mark.parametrize(("port", "expected"), [(b"443", 443), (b"x", 0), (b"", 0), (b"-1", 0), (b"999999", 0)])
def test_a_port_is_a_number(port, expected):
    assert Proxies().client(forwarded(["1.1.1.1"], port=port), ["127.0.0.1", 5], "http")[0] == ["1.1.1.1", expected]


@pytest.mark.parametrize(
    ("proto", "expected"), [(b"https", "https"), (b"HTTPS", "https"), (b"ftp", "http"), (b"", "http")]
)
def test_a_scheme_is_one_of_two(proto, expected):
    assert Proxies().client(forwarded(["1.1.1.1"], proto=proto), ["127.0.0.1", 5], "http")[1] == expected


def test_who_comes_by_a_unix_socket_is_a_proxy():
    assert Proxies().client(forwarded(["1.1.1.1"]), None, "http") == (["1.1.1.1", 0], "http")


def test_headers_come_out_in_lower_case_each_by_itself():
    raw = [(b"X-A", [b"1", b"2"]), (b"X_B", [b"3"]), (b"Cookie", [b"a=1", b"b=2"]), (b"Daphne-Root-Path", [b"/evil"])]
    assert clean(raw) == [(b"x-a", b"1"), (b"x-a", b"2"), (b"cookie", b"a=1; b=2")]


@pytest.mark.parametrize("name", [b"", b"a b", b"a:b", b"\xe9", b"a\x0b", b"(a)"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(BadRequest):
        clean([(name, [b"x"])])


def test_text_in_another_script_is_allowed_where_nothing_splits_it():
    assert clean([(b"x-name", ["Ångström".encode()])]) == [(b"x-name", "Ångström".encode())]


def test_the_same_host_with_other_letters_is_the_same():
    headers = [(b"origin", b"HTTPS://Chat.Example.com"), (b"host", b"chat.example.com")]
    assert Origins().allow(headers)
    assert not Origins().allow(headers[:1])
    assert Origins(["https://CHAT.example.com/"]).allow(headers[:1])
    assert Origins(["*"]).allow([(b"origin", b"null")])


def test_a_page_that_came_in_the_clear_opens_no_socket_by_tls():
    """F1: somebody on the way can make it say what they like, and browsers would send it our secure cookies."""
    headers = [(b"origin", b"http://chat.example.com"), (b"host", b"chat.example.com")]
    assert Origins().allow(headers)
    assert not Origins().allow(headers, secure=True)
    assert Origins().allow([(b"origin", b"https://chat.example.com"), headers[1]], secure=True)
    assert Origins(["http://chat.example.com"]).allow(headers, secure=True)
