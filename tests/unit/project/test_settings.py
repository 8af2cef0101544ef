import ast
import os
import re
import subprocess
import sys

import pytest

from tests.databases import ROOT


def names_read(path):
    return set(re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', (ROOT / path).read_text()))


def test_the_example_names_every_variable_that_is_read():
    example = (ROOT / "deploy" / ".env.example").read_text()
    documented = set(re.findall(r"^([A-Z_]+)=", example, re.MULTILINE))
    procfile = set(re.findall(r"\$\{?([A-Z_]+)", (ROOT / "Procfile").read_text()))
    assert documented == names_read("project/settings.py") | procfile


def test_the_environment_is_read_in_the_settings_only():
    for package in ("relay", "chatapp", "project", "examples"):
        for path in (ROOT / package).rglob("*.py"):
            # The command of the examples only passes it on.
            if path.name not in ("settings.py", "asgi.py", "example.py"):
                assert "os.environ" not in path.read_text(), path


def setting(name, *arguments, **environment):
    program = "import project; from django.conf import settings; print(settings.%s)" % name
    clean = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "project.settings", "SECRET_KEY": "x", **environment}
    command = [sys.executable, "-c", program, *arguments]
    return subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("command", "environment", "backends"),
    [
        ("runworker", {}, {"default": "relay.layers.database.DatabaseChannelLayer"}),
        ("runworker", {"REDIS_URL": "redis://x:1/0"}, {"default": "relay.layers.redis.RedisChannelLayer"}),
        ("runserver", {"REDIS_URL": "redis://x:1/0"}, {"default": "relay.layers.redis.RedisChannelLayer"}),
        (
            "runserver",
            {},
            {
                "default": "relay.layers.inmemory.ChannelLayer",
                "outside": "relay.layers.database.DatabaseChannelLayer",
            },
        ),
    ],
)
def test_processes_meet_in_redis_where_there_is_one_and_in_the_database_where_not(command, environment, backends):
    """One process that has all needs only its memory, and hears what others send."""
    layers = "CHANNEL_LAYERS.items()"
    said = setting(layers, command, **environment).stdout
    assert {alias: layer["BACKEND"] for alias, layer in ast.literal_eval(said[len("dict_items(") : -2])} == backends


@pytest.mark.parametrize(
    ("url", "engine"),
    [
        ("postgres://u:p@host:5432/name", "relay.backends.postgresql"),
        ("postgresql://u:p@host/name", "relay.backends.postgresql"),
        ("sqlite:////tmp/x.sqlite3", "relay.backends.sqlite3"),
    ],
)
def test_databases_get_our_backends(url, engine):
    assert setting("DATABASES['default']['ENGINE']", DATABASE_URL=url).stdout.strip() == engine


def test_another_database_is_refused_by_the_name_of_the_setting():
    assert "DATABASE_URL must begin with" in setting("DEBUG", DATABASE_URL="mysql://u:p@host/name").stderr


def test_debug_is_off_unless_asked_for():
    assert setting("DEBUG").stdout.strip() == "False"


def test_sentinels_stand_for_the_server_in_the_url_of_which_all_but_the_host_counts():
    environment = {"REDIS_SENTINELS": "10.0.0.1:26379,[::1]:26380", "REDIS_URL": "rediss://:s3cret@any/2"}
    layer = ast.literal_eval(setting("CHANNEL_LAYERS['default']", "runserver", **environment).stdout)
    assert layer["BACKEND"] == "relay.layers.redis.RedisSentinelChannelLayer"
    assert layer["CONFIG"]["hosts"] == [("10.0.0.1", 26379), ("::1", 26380)]
    assert layer["CONFIG"]["services"] == ["parley"]
    assert layer["CONFIG"]["url"] == "rediss://:s3cret@any/2"


@pytest.mark.parametrize(
    ("url", "options", "hosts"),
    [
        ("rediss://h:p@x:1", "ssl_cert_reqs=none", ["rediss://h:p@x:1?ssl_cert_reqs=none"]),
        ("rediss://x:1/0?db=2", "ssl_ca_certs=/x.pem", ["rediss://x:1/0?db=2&ssl_ca_certs=/x.pem"]),
        ("redis://x:1/0", "", ["redis://x:1/0"]),
    ],
)
def test_a_url_that_a_platform_writes_gets_options_from_elsewhere(url, options, hosts):
    """R1"""
    said = setting("CHANNEL_LAYERS['default']['CONFIG']['hosts']", REDIS_URL=url, REDIS_OPTIONS=options).stdout
    assert ast.literal_eval(said) == hosts


@pytest.mark.parametrize("url", ["https://chat.example.com/talk", "https://chat.example.com/talk/"])
def test_the_path_of_the_sites_url_is_what_all_of_it_is_below(url):
    """P4"""
    names = ("FORCE_SCRIPT_NAME", "STATIC_URL", "LOGIN_URL", "LOGIN_REDIRECT_URL", "SESSION_COOKIE_PATH")
    said = {name: setting(name, CHAT_URL=url).stdout.strip() for name in (*names, "SECURE_REDIRECT_EXEMPT")}
    assert [said[name] for name in names] == ["/talk", "/talk/static/", "/talk/accounts/login/", "/talk/", "/talk/"]
    assert ast.literal_eval(said["SECURE_REDIRECT_EXEMPT"])[0] == "^talk/healthz$"
    assert setting("FORCE_SCRIPT_NAME", CHAT_URL="https://chat.example.com/").stdout.strip() == "None"


@pytest.mark.parametrize(
    ("url", "origin"),
    [("https://chat.example.com/talk", "https://chat.example.com"), ("http://[::1]:8000", "http://[::1]:8000")],
)
def test_forms_of_the_site_are_taken_by_whatever_name_a_proxy_asks_for_it(url, origin):
    """Django compares the Origin of a form with what the proxy says, or with this."""
    assert ast.literal_eval(setting("CSRF_TRUSTED_ORIGINS", CHAT_URL=url).stdout) == [origin]
