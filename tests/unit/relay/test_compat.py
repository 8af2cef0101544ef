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
