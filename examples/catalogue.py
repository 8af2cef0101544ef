"""Which examples there are, and what they say of themselves."""

import importlib
import inspect
import re
from typing import NamedTuple

#: In the order in which to read them.
NAMES = [
    "hello",
    "echo",
    "layers",
    "processes",
    "rooms",
    "letters",
    "models",
    "linearize",
    "tutorial",
    "explained",
    "live_chart",
    "notices",
]
#: Stands for all of them in one server.
ALL = "all"


class Example(NamedTuple):
    """An example, as the docstring of its package describes it."""

    name: str
    title: str
    #: The document that it is from, and the step.
    source: str
    #: What to try.
    task: str


def example(name: str) -> Example:
    """The example of this name. Raises ImportError if there is none."""
    text = inspect.getdoc(importlib.import_module("examples." + name)) or ""
    paragraphs = dict(re.findall(r"^(From|Try): (.+?)(?:\n\n|\Z)", text, re.MULTILINE | re.DOTALL))
    title = text.partition("\n")[0].rstrip(".")
    return Example(name, title, one_line(paragraphs["From"]), one_line(paragraphs["Try"]))


def catalogue() -> list[Example]:
    """All examples."""
    return [example(name) for name in NAMES]


def one_line(text: str) -> str:
    return " ".join(text.split())
