import re
import subprocess
import sys

import pytest

from tests.databases import ROOT


def test_channels_imports_on_this_python_and_this_django():
    """G1, G2, G3: only with the shims, and with the packages that stand in for what Python lost."""
    program = "import relay, channels.staticfiles, channels.handler, channels.package_checks, asgi_redis"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_the_alias_gives_the_same_functions():
    from urllib.parse import urlparse

    from relay import compat

    compat.alias_six()
    from django.utils.six.moves.urllib.parse import urlparse as through_django

    assert through_django is urlparse


def test_the_base_of_layers_checks_what_it_is_told():
    from asgiref.base_layer import BaseChannelLayer

    layer = BaseChannelLayer(capacity=5, channel_capacity={"http.*": 7, re.compile("chat"): 9})
    capacities = [layer.get_capacity(name) for name in ("http.request", "chat-messages", "other")]
    assert capacities == [7, 9, 5]
    assert [layer.non_local_name(name) for name in ("a!b", "a?b", "a")] == ["a!", "a?b", "a"]
    assert layer.valid_channel_names(["a", "b!"], receive=True)
    for names in ([], "a", ("a",)):
        with pytest.raises(AssertionError):
            layer.valid_channel_names(names)
    with pytest.raises(TypeError):
        layer.valid_channel_names(["a b"])


DELAY = """
import relay, django
from django.conf import settings
from django.core.management import call_command

settings.configure(
    INSTALLED_APPS=["channels", "channels.delay"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    CHANNEL_LAYERS={"default": {"BACKEND": "relay.layers.inmemory.ChannelLayer", "ROUTING": []}},
)
django.setup()
call_command("migrate", verbosity=0)
call_command("check", fail_level="WARNING")
from channels import Channel, channel_layers
from channels.delay.models import DelayedMessage
DelayedMessage(channel_name="later", content='{"text": "hello"}', delay=0).save()
DelayedMessage.objects.is_due().get().send()
print(channel_layers["default"].receive(["later"])[1]["text"])
"""


def test_delayed_messages_of_channels_are_delivered():
    """The app label `channels.delay` is no identifier."""
    done = subprocess.run([sys.executable, "-c", DELAY], cwd=ROOT, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "hello"


def test_a_layer_for_test_cases_is_full_when_that_of_asgiref_was():
    from asgiref.inmemory import ChannelLayer

    layer = ChannelLayer()
    for _ in range(10):
        layer.send("channel", {})
    with pytest.raises(layer.ChannelFull):
        layer.send("channel", {})
