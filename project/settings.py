"""
Settings of this deployment. Everything comes from the environment and everything has a default, so that a checkout
runs as it is; `deploy/.env.example` tells what each variable means.
"""

import os
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

from project.secret import kept_secret

BASE_DIR = Path(__file__).resolve().parent.parent
#: What a running deployment keeps: the SQLite file, the generated secret.
VAR_DIR = BASE_DIR / "var"

env = environ.Env()
#: A name with nothing behind it is unset.
env.ENVIRON = {name: value for name, value in os.environ.items() if value}

# What runs where

DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or kept_secret(VAR_DIR / "secret_key")
#: Whether this machine made it: for the checks.
SECRET_KEY_IS_KEPT = not env.str("SECRET_KEY", default="")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
DATABASE_URL = env.str("DATABASE_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="")
#: Options for REDIS_URL where a platform writes that.
REDIS_OPTIONS = env.str("REDIS_OPTIONS", default="")
if REDIS_URL and REDIS_OPTIONS:
    REDIS_URL += ("&" if "?" in REDIS_URL else "?") + REDIS_OPTIONS
#: host:port of each Sentinel, and the name under which they know the master: instead of the server in REDIS_URL.
REDIS_SENTINELS = env.list("REDIS_SENTINELS", default=[])
REDIS_SENTINEL_SERVICE = env.str("REDIS_SENTINEL_SERVICE", default="parley")

# Chat

CHAT_ALLOW_GUESTS = env.bool("CHAT_ALLOW_GUESTS", default=True)
CHAT_OPEN_ROOMS = env.bool("CHAT_OPEN_ROOMS", default=True)
#: How many rooms one account may create in a day (0: no limit), and how many all guests together may (0: none).
CHAT_ROOMS_PER_USER = env.int("CHAT_ROOMS_PER_USER", default=50)
CHAT_GUEST_ROOMS = env.int("CHAT_GUEST_ROOMS", default=0)
CHAT_RATE_LIMIT = env.float("CHAT_RATE_LIMIT", default=10)
#: A room that is told of new accounts. Empty: none.
CHAT_NEWS_ROOM = env.str("CHAT_NEWS_ROOM", default="")
#: Seconds that a token is good for, and that it can be exchanged for another.
CHAT_TOKEN_LIFETIME = env.int("CHAT_TOKEN_LIFETIME", default=300)
CHAT_REFRESH_LIFETIME = env.int("CHAT_REFRESH_LIFETIME", default=30 * 86400)
#: Whether workers sweep up what a dead one left. Tests turn it off to look at what is left.
CHAT_SWEEPER = env.bool("CHAT_SWEEPER", default=True)
#: Seconds between two messages of each interface server's canary. 0: none. Under runserver none, unless asked for.
CHAT_CANARY_INTERVAL = env.float("CHAT_CANARY_INTERVAL", default=0 if sys.argv[1:2] == ["runserver"] else 5)
#: Where pages open their sockets, if not at their own host: wss://sockets.example.com.
CHAT_SOCKET_URL = env.str("CHAT_SOCKET_URL", default="")

# Who gets in

#: Whether `?session_key=` logs a socket in. A URL is no place for that; the documents that people come from have it.
CHAT_SESSION_KEY_LOGINS = env.bool("CHAT_SESSION_KEY_LOGINS", default=DEBUG)
#: Seconds that a ticket for a socket is good for.
CHAT_TICKET_LIFETIME = env.int("CHAT_TICKET_LIFETIME", default=30)
#: Wrong passwords that are free, of one address at one account, and the longest wait after more. 0: no limit.
CHAT_LOGIN_TRIES = env.int("CHAT_LOGIN_TRIES", default=5)
CHAT_LOGIN_WAIT = env.int("CHAT_LOGIN_WAIT", default=900)
#: Grants for tokens that one account has at most: with another, the oldest ends. 0: no limit.
CHAT_GRANTS_PER_USER = env.int("CHAT_GRANTS_PER_USER", default=50)
#: Times that one address may send the form for an account before it must wait. 0: no limit.
CHAT_SIGNUPS = env.int("CHAT_SIGNUPS", default=20)
#: Networks that see the admin. Empty: all do.
CHAT_ADMIN_NETWORKS = env.list("CHAT_ADMIN_NETWORKS", default=[])

# Notifications

#: What they go out through: socket, email, webhook, or the dotted path of a class.
CHAT_NOTIFICATION_BACKENDS = env.list("CHAT_NOTIFICATION_BACKENDS", default=["socket"])
#: Where people find this site: for links in e-mails.
CHAT_URL = env.str("CHAT_URL", default="http://127.0.0.1:8000")
#: The path that all others are below, if the site has its host not to itself; interface servers take it from here, too.
ROOT = urlsplit(CHAT_URL).path.rstrip("/")
FORCE_SCRIPT_NAME = ROOT or None
CHAT_WEBHOOK_URL = env.str("CHAT_WEBHOOK_URL", default="")
CHAT_WEBHOOK_SECRET = env.str("CHAT_WEBHOOK_SECRET", default="")
MAIL = env.email_url("EMAIL_URL", default="smtp://localhost:25")
if MAIL["EMAIL_BACKEND"] == "django.core.mail.backends.smtp.EmailBackend":
    # Django's own has no limit for a connection as a whole.
    MAIL["EMAIL_BACKEND"] = "chatapp.notifications.smtp.EmailBackend"
vars().update(MAIL)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Parley <parley@localhost>")
#: A mail server may be away for a while: seconds before a failed delivery is tried again, at first and at most.
RELAY_RESTS = {"notifications-out": (env.float("CHAT_RETRY_AFTER", default=10), 600)}

#: The least number of seconds between two e-mails to one person: the next e-mail lists what came in between. And how
#: many mentions of one person by one sender are separate notifications within an hour: later ones share one. 0: all.
CHAT_EMAIL_PAUSE = env.int("CHAT_EMAIL_PAUSE", default=900)
CHAT_MENTIONS_PER_SENDER = env.int("CHAT_MENTIONS_PER_SENDER", default=10)

# Dashboards

#: Who may see them: everyone, users (with an account), staff.
CHAT_DASHBOARDS = env.str("CHAT_DASHBOARDS", default="users")
#: Seconds between two measurements of the service itself. 0: none are taken.
CHAT_DASHBOARD_INTERVAL = env.float("CHAT_DASHBOARD_INTERVAL", default=2)
#: What is kept of each series: points of so many seconds, and so many at most.
CHAT_DASHBOARD_WINDOW = env.int("CHAT_DASHBOARD_WINDOW", default=900)
CHAT_DASHBOARD_POINTS = env.int("CHAT_DASHBOARD_POINTS", default=10000)

#: How many series one account may own. 0: only the limit for all accounts together applies.
CHAT_SERIES_PER_USER = env.int("CHAT_SERIES_PER_USER", default=50)

# Django

ROOT_URLCONF = "project.urls"
INSTALLED_APPS = [
    # Before channels and staticfiles: its runserver is the one to use.
    "relay",
    "channels",
    "chatapp",
    "chatapp.notifications",
    "examples",
    "chatapp.dashboard",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "chatapp.middleware.security_headers",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "chatapp.middleware.too_many_tries",
    "chatapp.middleware.guard_admin",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "chatapp.context.sockets",
            ]
        },
    }
]
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        # The first one says what a 401 asks for.
        "chatapp.api.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
}
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"

SESSION_ENGINE = "relay.sessions"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = ROOT + "/"
LOGIN_URL = ROOT + "/accounts/login/"
AUTHENTICATION_BACKENDS = [
    "chatapp.passwords.Backend",
    # Those who are logged in since before there was ours, stay.
    "django.contrib.auth.backends.ModelBackend",
]
#: New passwords get the first; those that have another get it when their user logs in.
PASSWORD_HASHERS = ["chatapp.hashers.Argon2", "django.contrib.auth.hashers.PBKDF2PasswordHasher"]
#: There are no uploads: a file in a form is dropped as it is read.
FILE_UPLOAD_HANDLERS: list[str] = []

# Browsers

#: Whether browsers come by TLS only: then cookies, redirects and HSTS see to it.
IS_SECURE = CHAT_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = IS_SECURE
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = ROOT + "/"
#: Forms of this site, however a proxy names it to us.
CSRF_TRUSTED_ORIGINS = ["%s://%s" % urlsplit(CHAT_URL)[:2]]
#: The proxy in front must say by which scheme a request came (X-Forwarded-Proto, `--proxy-headers`).
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=IS_SECURE)
#: What asks for these comes from within.
SECURE_REDIRECT_EXEMPT = [
    "^%s$" % re.escape("%s/%s" % (ROOT, name)).lstrip("/") for name in ("healthz", "readyz", "metrics")
]
#: Seconds for which browsers remember that there is TLS only.
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=30 * 86400 if IS_SECURE else 0)
#: Whether all hosts below this one have TLS, and lists in browsers shall say so, only the owner of the domain knows.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation." + name}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# Static files come from the apps' folders, through the process itself: no collectstatic.
STATIC_URL = ROOT + "/static/"
#: What `make frontend` fetches for browsers.
FRONTEND_DIR = VAR_DIR / "frontend"
STATICFILES_DIRS = [str(FRONTEND_DIR)] if FRONTEND_DIR.is_dir() else []
WHITENOISE_USE_FINDERS = True
#: Below the root, wherever that is.
WHITENOISE_STATIC_PREFIX = "/static/"
WHITENOISE_AUTOREFRESH = DEBUG

# The database

#: Our backend for each of Django's that django-environ finds in a URL.
DATABASE_BACKENDS = {
    "django.db.backends.sqlite3": "relay.backends.sqlite3",
    "django.db.backends.postgresql": "relay.backends.postgresql",
}
DATABASE = env.db("DATABASE_URL", default="sqlite:///%s" % (VAR_DIR / "parley.sqlite3"))
if DATABASE["ENGINE"] not in DATABASE_BACKENDS:
    raise ImproperlyConfigured("DATABASE_URL must begin with sqlite:// or postgres://")
DATABASE["ENGINE"] = DATABASE_BACKENDS[DATABASE["ENGINE"]]
#: Seconds that a connection is kept: a worker would else open one for each message.
DATABASE.setdefault("CONN_MAX_AGE", 60)
DATABASES = {"default": DATABASE}
if DATABASE["ENGINE"].endswith("sqlite3"):
    Path(DATABASE["NAME"]).parent.mkdir(parents=True, exist_ok=True)
else:
    #: So that a server that is gone without a word is found out; DATABASE_URL's own (?sslmode=verify-full) come on top.
    patience = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
    DATABASE["OPTIONS"] = {**patience, "tcp_user_timeout": 15000, **DATABASE.get("OPTIONS", {})}
    #: A pooler may give each transaction another session, in which their cursors are not.
    DATABASE["DISABLE_SERVER_SIDE_CURSORS"] = True

# The channel layer

RELAY_KEEPALIVE_INTERVAL = env.float("RELAY_KEEPALIVE_INTERVAL", default=20)
CHANNEL_PREFIX = env.str("CHANNEL_PREFIX", default="parley:")
#: What a socket hears when its interface server goes away.
RELAY_RECONNECT_TEXT = '{"type": "reconnect", "after": %(after).2f}'
#: Origins of other sites whose pages may open sockets here.
RELAY_ALLOWED_ORIGINS = env.list("RELAY_ALLOWED_ORIGINS", default=[])
#: Frames a second that one socket may send, and how many at once: twice of what CHAT_RATE_LIMIT takes. 0: no limit.
RELAY_FRAME_RATE = env.float("RELAY_FRAME_RATE", default=20)
RELAY_FRAME_BURST = 20
RELAY_MAX_SOCKETS = env.int("RELAY_MAX_SOCKETS", default=0)
#: What interface servers run beside themselves.
RELAY_COMPANIONS = ["chatapp.canary.canary.run"]
#: What /metrics wants to be shown, and what is counted in the database whenever somebody reads it.
RELAY_METRICS_TOKEN = env.str("RELAY_METRICS_TOKEN", default="")
RELAY_SCRAPED = ["chatapp.metrics.Here"]
#: Whether each step of each message is logged.
RELAY_TRACE = env.bool("RELAY_TRACE", default=False)
RELAY_DRAIN_TIMEOUT = env.float("RELAY_DRAIN_TIMEOUT", default=20)
LAYER = {
    # Three keepalives: a member whose interface server died is gone after that.
    "group_expiry": max(int(3 * RELAY_KEEPALIVE_INTERVAL), 1) if RELAY_KEEPALIVE_INTERVAL else 86400,
    # Seconds after which a message that nobody took is gone: as long as an HTTP request waits for its answer.
    "expiry": 120,
    # Messages of one channel; all sockets of an interface server share one for what is sent to them.
    "capacity": 10000,
    # Messages of one room, or one series, are handled one after the other; those of one socket are anyway.
    "ordering": {
        "chat-messages": "room",
        "chat-notify": "room",
        "notifications*": "lane",
        "dashboard-points": "series",
    },
    # What someone said does not expire, nor whom it is for.
    "channel_expiry": {"chat-messages": None, "chat-notify": None, "notifications*": None},
}
ROUTING = "routing.channel_routing"
#: What separate processes meet in: Redis, or the database.
DATABASE_DIRECT_URL = env.str("DATABASE_DIRECT_URL", default="")
SHARED_LAYER: dict[str, Any] = {
    "BACKEND": "relay.layers.database.DatabaseChannelLayer",
    "CONFIG": {**LAYER, "direct_url": DATABASE_DIRECT_URL} if DATABASE_DIRECT_URL else LAYER,
    "ROUTING": ROUTING,
}
if REDIS_SENTINELS:
    sentinels = [(host.strip("[]"), int(port)) for host, _, port in (name.rpartition(":") for name in REDIS_SENTINELS)]
    SHARED_LAYER["BACKEND"] = "relay.layers.redis.RedisSentinelChannelLayer"
    found = {"hosts": sentinels, "services": [REDIS_SENTINEL_SERVICE], "url": REDIS_URL}
    SHARED_LAYER["CONFIG"] = {**LAYER, **found, "prefix": CHANNEL_PREFIX}
elif REDIS_URL:
    SHARED_LAYER["BACKEND"] = "relay.layers.redis.RedisChannelLayer"
    SHARED_LAYER["CONFIG"] = {**LAYER, "hosts": [REDIS_URL], "prefix": CHANNEL_PREFIX}
CHANNEL_LAYERS = {"default": SHARED_LAYER}
if sys.argv[1:2] == ["runserver"] and not (REDIS_URL or REDIS_SENTINELS):
    # One process needs no more than its memory; what a shell or a cron job sends comes from outside.
    memory = {"BACKEND": "relay.layers.inmemory.ChannelLayer", "CONFIG": LAYER, "ROUTING": ROUTING}
    CHANNEL_LAYERS = {"default": memory, "outside": SHARED_LAYER}

# Logs are sentences on standard error

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "class": "relay.logs.LineFormatter",
            "format": "%(asctime)s %(levelname)-7s %(name)s: %(message)s",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "stream": sys.stderr, "formatter": "line"}},
    "loggers": {
        # Django would make a page of each error to mail it to nobody: work that a wrong Host header is enough for.
        "django": {"handlers": [], "level": "WARNING"},
        # Each step of each message.
        "relay.trace": {"level": "DEBUG" if RELAY_TRACE else "INFO"},
        **{
            name: {"handlers": ["stderr"], "level": "INFO", "propagate": False}
            for name in ("chatapp", "relay", "daphne", "django.channels")
        },
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
