"""Imports point one way. A reader who opens a file can learn it without learning half the house."""

import ast
from pathlib import Path

from tests.architecture.import_graph import Graph, build_graph, shortest_cycle
from tests.architecture.sources import Source, product_sources


def test_no_module_imports_itself_in_a_circle() -> None:
    """In a circle no file can be understood, tested or moved without all the others."""
    cycle = shortest_cycle(build_graph(product_sources()))
    assert not cycle, "imports in a circle: " + " -> ".join(cycle)


def test_every_kind_of_import_counts() -> None:
    """A circle hidden in a function or under TYPE_CHECKING is one for the reader all the same."""
    circles = {
        "from __future__ import annotations\nimport a.y": "import a.x",
        "from a.y import thing": "from a import x",
        "from a import y as other": "from . import x",
        "def later():\n    from a.y import thing": "class Y:\n    import a.x as x",
        "if TYPE_CHECKING:\n    from a.y import Y": "async def f():\n    from .x import X",
        "try:\n    import a.y\nexcept ImportError:\n    pass": "from .x import *",
    }
    for first, second in circles.items():
        graph = build_graph([_source("a/x.py", first), _source("a/y.py", second)])
        assert shortest_cycle(graph) == ["a.x", "a.y", "a.x"], (first, second)


def test_packages_count_as_modules() -> None:
    """A package whose __init__ imports a module that asks the package for a name is a circle."""
    package = _source("a/__init__.py", "from a.x import X")
    assert shortest_cycle(build_graph([package, _source("a/x.py", "from a import OTHER")])) == [
        "a",
        "a.x",
        "a",
    ]
    # A sibling, by way of the package's name, is no import of the package.
    siblings = [package, _source("a/x.py", "from a import y"), _source("a/y.py", "")]
    assert not shortest_cycle(build_graph(siblings))


def test_the_shortest_circle_is_named() -> None:
    """Who made the circle sees the imports that close it, not all the modules that hang on it."""
    graph: Graph = {"a": {"b"}, "b": {"c"}, "c": {"a", "d"}, "d": {"e"}, "e": {"d"}, "f": {"a"}}
    assert shortest_cycle(graph) == ["d", "e", "d"]
    assert not shortest_cycle({"a": {"b", "c"}, "b": {"c"}, "c": set()})


def _source(path: str, text: str) -> Source:
    names = Path(path).with_suffix("").parts
    module = ".".join(names[:-1] if names[-1] == "__init__" else names)
    return Source(path, module, text, ast.parse(text))
