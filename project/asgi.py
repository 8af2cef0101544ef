"""The channel layer, for interface servers: `python -m relay.daphne project.asgi:channel_layer`."""

import os

from channels.asgi import get_channel_layer

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
channel_layer = get_channel_layer()
