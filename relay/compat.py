"""
Shims that let Channels 1.1.8, Daphne 1.4 and asgi_redis 1.4 run on a supported Django and Python. Installed by
`import relay`, which must come before `import channels`; `project/__init__.py` sees to that for every way to start.

Each says what it stands in for. None of them ends before the package that needs it does: Channels 1.x has no
maintainers, so that is when the project moves to another.

Two more gaps are closed by packages, not here: `distutils`, gone in Python 3.12, comes with setuptools, and
`cgi`, gone in Python 3.13, with legacy-cgi (requirements.in).
"""

import functools
import inspect
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

#: The parts of `six.moves` that channels 1.1.8 imports through `django.utils.six`.
SIX_MODULES = ["moves", "moves.urllib", "moves.urllib.parse", "moves.urllib.request", "moves.urllib.error"]

#: What asgiref 1 had and asgiref 3 has not.
ASGIREF_MODULES = str(Path(__file__).parent / "asgiref1")


def install() -> None:
    """Install every shim. Harmless when called again."""
    if sys.version_info < (3, 12):
        use_own_distutils()
    alias_six()
    add_asgiref()
    accept_providing_args()
    accept_label_of_delay()


def use_own_distutils() -> None:
    """
    Have Channels find the distutils that Python 3.11 has. setuptools puts its own in the place, which takes a quarter
    of a second to import: a fifth of a worker's start. Ends with Python 3.11.
    """
    try:
        from _distutils_hack import remove_shim
    except ImportError:
        return
    remove_shim()


def alias_six() -> None:
    """
    Put the `six` package in the place of `django.utils.six` (G1), which Django dropped in 3.0 and Channels imports in
    its routing, handler, static files and `runserver`.
    """
    sys.modules.setdefault("django.utils.six", import_module("six"))
    for name in SIX_MODULES:
        sys.modules.setdefault("django.utils.six." + name, import_module("six." + name))


def add_asgiref() -> None:
    """
    Let asgiref 3, which Django needs, have the modules of asgiref 1: asgi_redis imports `asgiref.base_layer`, and
    Channels' test cases import `asgiref.inmemory`. They are written anew, in `relay.asgiref1`.
    """
    path = import_module("asgiref").__path__
    if ASGIREF_MODULES not in path:
        path.append(ASGIREF_MODULES)


def accept_providing_args() -> None:
    """Let Channels make its signals with `providing_args`, which only ever documented, and which Django 4.0 dropped."""
    from django.dispatch import Signal

    if hasattr(Signal.__init__, "__wrapped__"):
        return
    true_init = Signal.__init__

    @functools.wraps(true_init)
    def init(self: Signal, providing_args: Any = None, use_caching: bool = False) -> None:
        true_init(self, use_caching=use_caching)

    Signal.__init__ = init


def accept_label_of_delay() -> None:
    """
    Allow `channels.delay` in INSTALLED_APPS. Django 3.2 and later reject its app label, which contains a dot. The label
    can't change: the app's table and its recorded migrations are named after it.
    """
    from django.apps import AppConfig

    if hasattr(AppConfig.__init__, "__wrapped__"):
        return
    true_init = AppConfig.__init__

    @functools.wraps(true_init)
    def init(self: AppConfig, app_name: str, app_module: Any) -> None:
        if app_name == "channels.delay":
            type(self).label = Identifier(self.label)
        true_init(self, app_name, app_module)

    AppConfig.__init__ = init


class Identifier(str):
    """A string that Django accepts as an app label, whatever it contains."""

    def isidentifier(self) -> bool:
        return True


def accept_set_up_of_instances() -> None:
    """
    Let the transaction test cases of Channels be set up by each test, as they expect. Since Django 5.2 the class calls
    its `_pre_setup`, which with Channels is no class method.
    """
    from django.test.testcases import TransactionTestCase

    true_set_up = TransactionTestCase.setUpClass.__func__

    @functools.wraps(true_set_up)
    def set_up(cls: Any) -> None:
        if inspect.ismethod(cls._pre_setup):
            true_set_up(cls)
        else:
            super(TransactionTestCase, cls).setUpClass()

    TransactionTestCase.setUpClass = classmethod(set_up)
