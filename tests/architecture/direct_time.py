"""Finds uses of the machine's clock that go past shared/clock.py, whatever name they go by."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import Source

DIRECT = frozenset(
    {
        "asyncio.sleep",
        "asyncio.tasks.sleep",
        "anyio.sleep",
        "datetime.date.today",
        "datetime.datetime.now",
        "datetime.datetime.today",
        "datetime.datetime.utcnow",
        "time.monotonic",
        "time.monotonic_ns",
        "time.perf_counter",
        "time.perf_counter_ns",
        "time.sleep",
        "time.time",
        "time.time_ns",
    }
)


def direct_times(source: Source) -> Iterator[tuple[int, str]]:
    """Line and full name of each use, called or handed on, in the order of the lines."""
    names = _imported(source.tree)
    found = []
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name | ast.Attribute):
            name = _full_name(node, names)
            if name in DIRECT:
                found.append((node.lineno, name))
    yield from sorted(found)


def _imported(tree: ast.Module) -> dict[str, str]:
    """Full names by the names that this file gives to what it imports, aliases included."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                names[alias.asname or first] = alias.name if alias.asname else first
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return names


def _full_name(node: ast.expr, names: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    if isinstance(node, ast.Attribute):
        base = _full_name(node.value, names)
        return f"{base}.{node.attr}" if base else None
    return None
