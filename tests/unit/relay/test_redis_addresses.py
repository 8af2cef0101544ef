"""What the URL of a Redis says, and what is said of one that says nothing."""

import traceback

import pytest
from django.core.exceptions import ImproperlyConfigured

from relay.layers.redis import RedisChannelLayer, RedisSentinelChannelLayer
from relay.layers.redis.addresses import options_of, sentinel_options, shown


@pytest.mark.parametrize(
    ("url", "login"),
    [
        ("redis://parley:p%40ss%2Fw%231@h:1/0", ("parley", "p@ss/w#1")),
        ("rediss://:a%25b@h", (None, "a%b")),
        ("redis://:100%@h", (None, "100%")),
        ("redis://:a+b=@h", (None, "a+b=")),
        ("redis://h/1", (None, None)),
    ],
)
def test_credentials_are_decoded(url, login):
    """R2: a key of Azure's holds `/` and `=`."""
    options = options_of(url)
    assert (options.get("username"), options.get("password")) == login


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hush/hush@host:6379/0",
        "redis://:hush#hush@host:6379/0",
        "redis://:hush?hush@host:6379/0",
        "redis://:hu[sh]hush@host:6379/0",
        "redis://user:12/hush@host:6379/0",
        "redis://user:12#hush@host:6379/0",
        "redis://user:12?hush@host:6379/0",
        "redis://:hush@host:port/0",
    ],
)
def test_a_password_that_breaks_its_url_is_no_part_of_the_error(url):
    """Python says "Port could not be cast to integer value as 'hush'"; or takes it for a host, and looks that up."""
    with pytest.raises(ImproperlyConfigured, match="%2F for /") as caught:
        RedisChannelLayer(hosts=[url])
    assert "hush" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://:hush@h:1/0", "redis://, rediss://, unix://"),
        ("rediss://:hush@h:1/0?ssl_ca_cert=/x", "no such option.*'ssl_ca_cert'"),
        ("rediss://:hush@h:1/0?ssl_cert_reqs=perhaps", "perhaps"),
        ("redis://:hush@h:1/0?ssl_cert_reqs=none", "need rediss://"),
        ("rediss://:hush@h:1/0?ssl_ca_certs=/nowhere/ca.pem", "ssl_ca_certs.*/nowhere/ca.pem"),
        ("redis://:hush@h:1/0?socket_timeout=long", "socket_timeout"),
    ],
)
def test_an_option_that_is_wrong_is_named_at_the_start(url, reason):
    with pytest.raises(ImproperlyConfigured, match=reason) as caught:
        RedisChannelLayer(hosts=[url])
    assert "h:1" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_sentinels_take_all_but_the_host_of_a_url():
    options = sentinel_options("rediss://parley:p%40ss@any:7/3?ssl_cert_reqs=none")
    assert options == {"username": "parley", "password": "p@ss", "db": 3, "ssl": True, "ssl_cert_reqs": "none"}
    assert sentinel_options("redis://:x@any") == {"password": "x"}
    with pytest.raises(ImproperlyConfigured):
        sentinel_options("unix:///run/redis.sock")


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("rediss://h:p@x:7/2?ssl_cert_reqs=none", "x:7"),
        ("redis://:p@x", "x:6379"),
        ("redis:///1", "localhost:6379"),
        ("unix://:p@/run/redis.sock?password=x", "/run/redis.sock"),
    ],
)
def test_what_is_shown_of_an_address_has_no_credentials(url, text):
    assert shown(url) == text


def test_a_layer_does_not_say_its_passwords():
    layers = [
        RedisChannelLayer(hosts=["redis://me:hush@h:1/0"]),
        RedisSentinelChannelLayer(hosts=[("h", 1)], services=["chat"], url="rediss://me:hush@any/0"),
    ]
    for layer in layers:
        for text in (str(layer), repr(layer), repr(layer.connection(0)), repr(layer.connection(0).connection_pool)):
            assert "hush" not in text
    assert str(layers[0]) == "RedisChannelLayer(hosts=['h:1'])"
