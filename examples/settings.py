"""
Settings of the examples: the project's, with the example's app instead of the chat.

`manage.py example` sets the three variables that say which example, on which layer, with its database in which folder.
"""

import sys
from pathlib import Path

from examples.catalogue import ALL, NAMES
from project.settings import *  # noqa: F403
from project.settings import CHANNEL_PREFIX, LAYER, REDIS_URL, REST_FRAMEWORK, VAR_DIR, env

EXAMPLE = env.str("EXAMPLE", default=ALL)
EXAMPLE_LAYER = env.str("EXAMPLE_LAYER", default="memory")
EXAMPLE_FOLDER = Path(env.str("EXAMPLE_FOLDER", default=str(VAR_DIR / "examples")))

CHOSEN = NAMES if EXAMPLE == ALL else [EXAMPLE]

# Apps

INSTALLED_APPS = [
    # Before channels and staticfiles: its runserver and runworker are the ones to use.
    "relay",
    "channels",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rest_framework",
    "examples",
    *["examples." + name for name in CHOSEN],
    # Only one example is about the chat's own parts.
    *(["chatapp", "chatapp.notifications"] if "notices" in CHOSEN else []),
]
ROOT_URLCONF = "examples.urls" if EXAMPLE == ALL else "examples.%s.urls" % EXAMPLE
LOGIN_URL = "letters-login"
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "letters"
# Whoever is logged in to one example may POST to another without more ado.
REST_FRAMEWORK = {**REST_FRAMEWORK, "DEFAULT_AUTHENTICATION_CLASSES": []}

# Channels' own, which the documents describe: sessions in URLs as well.
CHAT_SESSION_KEY_LOGINS = True
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]

# Ports of one host share their cookies: a login here must not end one in the chat beside it.
SESSION_COOKIE_NAME = "example_session"
CSRF_COOKIE_NAME = "example_csrf"

# The database: a file for each example

EXAMPLE_FOLDER.mkdir(parents=True, exist_ok=True)
DATABASES = {
    "default": {
        "ENGINE": "relay.backends.sqlite3",
        "NAME": str(EXAMPLE_FOLDER / ("%s.sqlite3" % EXAMPLE)),
        "CONN_MAX_AGE": 60,
    }
}

# The channel layer

#: Two examples have a routing for each layer, under the layer's name. The others have one.
ROUTING = {
    ALL: "examples.routing." + EXAMPLE_LAYER,
    "layers": "examples.layers.routing." + EXAMPLE_LAYER,
}.get(EXAMPLE, "examples.%s.routing.channel_routing" % EXAMPLE)

LAYERS = {
    # One process: interface server and workers are its threads.
    "memory": {
        "BACKEND": "relay.layers.inmemory.ChannelLayer",
        "CONFIG": LAYER,
        "ROUTING": ROUTING,
    },
    # Several processes, and no further service: two tables of the database above.
    "database": {
        "BACKEND": "relay.layers.database.DatabaseChannelLayer",
        "CONFIG": LAYER,
        "ROUTING": ROUTING,
    },
    # Several processes, on one machine or many.
    "redis": {
        "BACKEND": "relay.layers.redis.RedisChannelLayer",
        "CONFIG": {**LAYER, "hosts": [REDIS_URL], "prefix": "%sexample-%s:" % (CHANNEL_PREFIX, EXAMPLE)},
        "ROUTING": ROUTING,
    },
}
CHANNEL_LAYERS = {"default": LAYERS[EXAMPLE_LAYER]}
if EXAMPLE_LAYER == "memory":
    # Only the server itself can reach its memory. What a shell or a cron job sends goes through the database, where the
    # server looks as well.
    is_the_server = sys.argv[1:2] == ["example"]
    CHANNEL_LAYERS = {"default": LAYERS["database"]}
    if is_the_server:
        CHANNEL_LAYERS = {"default": LAYERS["memory"], "outside": LAYERS["database"]}

# A socket whose server goes away is closed with code 1012, and hears nothing else.
RELAY_RECONNECT_TEXT = None
