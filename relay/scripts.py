"""The Lua scripts in `relay/lua`, one command a file, by the file's stem."""

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "lua"


@cache
def source(name: str) -> str:
    """The text of `lua/<name>.lua`."""
    return (FOLDER / (name + ".lua")).read_text(encoding="utf-8")
