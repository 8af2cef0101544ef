"""
The Lua scripts in `relay/lua`, one command a file, by the file's stem.

A line `-- include <name>` stands for the code of `lua/include/<name>.lua`.
"""

import hashlib
import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "lua"


@cache
def source(name: str) -> str:
    """The text of `lua/<name>.lua`, with what it includes."""
    text = (FOLDER / (name + ".lua")).read_text(encoding="utf-8")
    return re.sub(r"^-- include (\w+)$", lambda match: source("include/" + match[1]), text, flags=re.MULTILINE)


@cache
def digest(name: str) -> str:
    """What EVALSHA knows the script by."""
    return hashlib.sha1(source(name).encode("utf-8")).hexdigest()
