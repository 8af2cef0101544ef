"""Django for the tests, and the fixtures they share."""

import os
import tempfile

from tests.waiting import FACTOR

# Before Django reads its settings: nothing of the machine's environment, and nothing in the checkout's var/.
for name in (
    "REDIS_URL",
    "REDIS_SENTINELS",
    "FORWARDED_ALLOW_IPS",
    "DEBUG",
    "CHAT_ALLOW_GUESTS",
    "CHAT_OPEN_ROOMS",
    "CHAT_RATE_LIMIT",
    "CHAT_SOCKET_URL",
    "CHAT_URL",
    "CHAT_LOGIN_TRIES",
    "CHAT_LOGIN_WAIT",
    "CHAT_SIGNUPS",
    "CHAT_ADMIN_NETWORKS",
    "CHAT_DASHBOARDS",
    "CHAT_DASHBOARD_WINDOW",
    "CHAT_DASHBOARD_POINTS",
    "RELAY_KEEPALIVE_INTERVAL",
    "RELAY_METRICS_TOKEN",
    "RELAY_TRACE",
):
    os.environ.pop(name, None)
# Seconds that a test may take, on a slow machine more.
os.environ["PYTEST_TIMEOUT"] = str(120 * FACTOR)
os.environ["DATABASE_URL"] = "sqlite:///%s/none.sqlite3" % tempfile.gettempdir()
os.environ["SECRET_KEY"] = "a key for tests"
os.environ["CHAT_SWEEPER"] = "0"
# How most tests log a socket in. What it is without is tested in test_tickets.
os.environ["CHAT_SESSION_KEY_LOGINS"] = "1"
# In most tests guests make the rooms that they enter. What holds for them else is tested in test_quotas.
os.environ["CHAT_GUEST_ROOMS"] = "100000"
os.environ["CHAT_DASHBOARD_INTERVAL"] = "0"
os.environ["CHAT_CANARY_INTERVAL"] = "0"
# Playwright keeps an event loop in the thread of the tests that drive a browser, and those look into the database, too.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
os.environ["ALLOWED_HOSTS"] = "localhost,127.0.0.1,testserver"
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

import project  # noqa: F401, I001 (its shims come before Django)
import django

django.setup()

from django.conf import settings

# What a test sends without saying where goes nowhere else.
settings.CHANNEL_LAYERS["default"]["BACKEND"] = "relay.layers.inmemory.ChannelLayer"
# A good hash takes its time. Processes that are started have the real ones, and read these too.
settings.PASSWORD_HASHERS = ["tests.chat.QuickHasher", *settings.PASSWORD_HASHERS]

from tests.acceptance.browsers import browser  # noqa: F401
from tests.chat import alice, bob, django_queries, layer, lobby, settings_override, still_clock  # noqa: F401
from tests.databases import (  # noqa: F401
    database,
    database_url,
    postgres_template,
    postgresql_url,
    sqlite_template,
    sqlite_url,
)
from tests.deployments import deployment, layer_kind  # noqa: F401
from tests.disks import disk  # noqa: F401
from tests.fleets import fleet, report  # noqa: F401
from tests.interface import running_reactor, serve  # noqa: F401
from tests.layers import make_database_layer, make_layer, make_redis_layer, meeting  # noqa: F401
from tests.networks import network  # noqa: F401
from tests.secrets import (  # noqa: F401
    logs_of_the_session,
    pytest_configure,
    pytest_runtest_setup,
    pytest_runtest_teardown,
)
from tests.services import (  # noqa: F401
    guarded_servers,
    own_postgres,
    own_redis,
    postgres,
    redis_prefix,
    redis_url,
    redis_urls,
    sentinel_servers,
    tls_program,
)
from tests.worker import office, open_office  # noqa: F401
