"""How the tree is laid out: arrows that go one way, and budgets."""

import ast
import re

import pytest
from django.conf import global_settings

from examples.catalogue import NAMES
from tests.databases import ROOT

PACKAGES = ("relay", "chatapp", "project")
MODULES = sorted(
    path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts
)
EXAMPLES = sorted(path for path in (ROOT / "examples").rglob("*.py") if "migrations" not in path.parts)
KNOWN_TO_CHAT = ("relay.decorators", "relay.outbox", "relay.management.layers")
#: The one example that shows parts of the chat.
ABOUT_THE_CHAT = "notices"
PURE = ["chatapp/protocol.py", "chatapp/exceptions.py"]
PURE += ["chatapp/canary/witness.py"]
PURE += ["chatapp/dashboard/%s.py" % stem for stem in ("names", "protocol", "thinning")]


def name(path):
    return str(path.relative_to(ROOT))


def imports(path):
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
    return found


@pytest.mark.parametrize("path", MODULES, ids=name)
def test_arrows_go_one_way(path):
    """project → chatapp → relay → Channels; of relay, the chat knows only how to consume and to send."""
    ours = {module for module in imports(path) if module.split(".")[0] in (*PACKAGES, "routing")}
    package = path.relative_to(ROOT).parts[0]
    if package == "relay":
        assert all(module.startswith("relay") for module in ours)
    elif package == "chatapp":
        assert all(module.startswith("chatapp") or module in KNOWN_TO_CHAT for module in ours)
        assert not {module.split(".")[0] for module in imports(path)} & {"redis", "twisted", "daphne", "asgi_redis"}


def test_relay_names_no_setting_that_only_parley_has():
    """D5: `check` told a foreign project to set DATABASE_URL. L6 names the prefix, where the settings read it."""
    named = set(re.findall(r"^#? ?([A-Z_]+)=", (ROOT / "deploy" / ".env.example").read_text(), re.MULTILINE))
    parleys = {
        name for name in named if "_" in name and not name.startswith("RELAY_") and not hasattr(global_settings, name)
    }
    assert {"DATABASE_URL", "REDIS_URL", "CHAT_URL"} <= parleys
    texts = {path: path.read_text() for path in MODULES if path.is_relative_to(ROOT / "relay")}
    found = {(name, path.name) for path, text in texts.items() for name in parleys if re.search(r"\b%s\b" % name, text)}
    assert found <= {("CHANNEL_PREFIX", "claims.py")}


@pytest.mark.parametrize("name", NAMES)
def test_an_example_stands_alone(name):
    """It can be copied: of ours it knows itself, and what relay has for consumers."""
    for path in (ROOT / "examples" / name).rglob("*.py"):
        ours = {
            module for module in imports(path) if module.split(".")[0] in (*PACKAGES, "routing", "deploy", "examples")
        }
        own = [module for module in ours if not (name == ABOUT_THE_CHAT and module.startswith("chatapp"))]
        assert all(module.startswith("examples.%s" % name) or module in KNOWN_TO_CHAT for module in own), path


@pytest.mark.parametrize("name", NAMES)
def test_an_example_has_a_test_and_a_row_in_the_table(name):
    table = (ROOT / "examples" / "README.md").read_text()
    assert "| [%s](%s/consumers.py): " % (name, name) in table
    assert "| [test](../tests/examples/test_%s.py) |" % name in table
    assert (ROOT / "tests" / "examples" / ("test_%s.py" % name)).exists()


def test_every_example_is_in_the_catalogue():
    assert {path.parent.name for path in EXAMPLES if path.name == "consumers.py"} == set(NAMES)


@pytest.mark.parametrize("path", PURE)
def test_the_core_is_pure(path):
    allowed = {"json", "re", "datetime", "typing", "collections", "collections.abc"}
    allowed |= {"chatapp.exceptions", "chatapp.names"}
    allowed |= {"chatapp.dashboard." + stem for stem in ("exceptions", "names", "thinning")}
    assert imports(ROOT / path) <= allowed


@pytest.mark.parametrize("path", [*MODULES, *EXAMPLES], ids=name)
def test_modules_and_functions_are_small(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            limit = 20 if path.name == "consumers.py" else 40
            assert node.end_lineno - node.lineno < limit, node.name


@pytest.mark.parametrize("path", [*MODULES, *EXAMPLES], ids=name)
def test_every_module_says_what_it_is_for(path):
    assert ast.get_docstring(ast.parse(path.read_text())) or not path.read_text(), name(path)


def test_no_module_is_named_for_what_was_left_over():
    assert not [path for path in MODULES if path.stem in ("utils", "helpers", "common", "misc")]


def test_consumers_are_thin_and_the_wire_map_is_commented():
    for path in (ROOT / "chatapp").rglob("consumers.py"):
        assert not [word for word in ("json.", "objects.", "Group(") if word in path.read_text()], name(path)
    routes = (ROOT / "routing.py").read_text()
    assert routes.count("route(") == routes.count("    # ")
    assert len(routes.splitlines()) <= 60


def test_scripts_and_pages_are_small_too():
    for package, limit in (("chatapp", 250), ("examples", 80)):
        for path in (ROOT / package).rglob("*.js"):
            assert len(path.read_text().splitlines()) <= limit, name(path)
