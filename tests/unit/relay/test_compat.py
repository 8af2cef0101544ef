import subprocess
import sys

from tests.databases import ROOT


def test_channels_imports_on_this_python():
    """G1, G2, G3: on 3.12 and 3.13 only with the shim and the packages that stand in for what Python lost."""
    program = "import relay, channels.staticfiles, channels.handler, channels.package_checks"
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True)


def test_the_alias_gives_the_same_functions():
    from urllib.parse import urlparse

    from relay import compat

    compat.alias_six()
    from django.utils.six.moves.urllib.parse import urlparse as through_django

    assert through_django is urlparse
