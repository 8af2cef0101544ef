"""
Shims that let the pinned stack import on newer Pythons. Installed by `import relay`, which must come before
`import channels`; `project/__init__.py` sees to that for every way to start.

Two more gaps are closed by packages, not here: `distutils`, gone in Python 3.12, comes with setuptools, and
`cgi`, gone in Python 3.13, with legacy-cgi (requirements.in).
"""

import sys
from importlib import import_module

#: The parts of `six.moves` that channels 1.1.8 imports through `django.utils.six`.
SIX_MODULES = ["moves", "moves.urllib", "moves.urllib.parse", "moves.urllib.request", "moves.urllib.error"]


def install() -> None:
    """Install every shim that this Python needs. Harmless when called again."""
    if sys.version_info >= (3, 12):
        alias_six()
    else:
        use_own_distutils()


def alias_six() -> None:
    """
    Put the `six` package in the place of Django's own copy.

    `django.utils.six.moves` finds its modules by `find_module`, which Python 3.12 no longer calls (G1).
    Needless with Django 3.0, which has no `django.utils.six`, and a Channels that does not import it.
    """
    sys.modules.setdefault("django.utils.six", import_module("six"))
    for name in SIX_MODULES:
        sys.modules.setdefault("django.utils.six." + name, import_module("six." + name))


def use_own_distutils() -> None:
    """
    Have Django find the distutils that Python 3.11 has. setuptools puts its own in the place, which takes a quarter of
    a second to import: a fifth of a worker's start.
    """
    try:
        from _distutils_hack import remove_shim
    except ImportError:
        return
    remove_shim()
