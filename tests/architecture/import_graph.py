"""Which module imports which, and the shortest circle that this makes.

Every import statement counts, in functions and under TYPE_CHECKING too: a reader follows them all.
"""

import ast
from collections import deque
from collections.abc import Iterable, Iterator

from tests.architecture.sources import Source

Graph = dict[str, set[str]]


def build_graph(sources: Iterable[Source]) -> Graph:
    """For each module those of `sources` that it imports.

    `from a.b import c` is an import of a.b.c when that is a module, else of a.b.
    """
    by_name = {source.module: source for source in sources}
    return {
        name: {target for target in _targets(source, by_name.keys()) if target != name}
        for name, source in by_name.items()
    }


def shortest_cycle(graph: Graph) -> list[str]:
    """The modules of a shortest circle in the order of import, the first one again at the end;
    empty when there is none."""
    cycles = [path for start in sorted(graph) if (path := _way_back(graph, start))]
    return min(cycles, key=len, default=[])


def _way_back(graph: Graph, start: str) -> list[str]:
    """The shortest path of imports from a module back to itself."""
    reached: dict[str, str] = {}
    waiting = deque([start])
    while waiting:
        module = waiting.popleft()
        for target in sorted(graph[module]):
            if target == start:
                return [*_path(reached, start, module), start]
            if target not in reached:
                reached[target] = module
                waiting.append(target)
    return []


def _path(reached: dict[str, str], start: str, end: str) -> list[str]:
    path = [end]
    while path[-1] != start:
        path.append(reached[path[-1]])
    return path[::-1]


def _targets(source: Source, modules: Iterable[str]) -> Iterator[str]:
    known = set(modules)
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            base = _base(source, node)
            for alias in node.names:
                submodule = f"{base}.{alias.name}"
                if submodule in known:
                    yield submodule
                elif base in known:
                    yield base


def _base(source: Source, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module or ""
    parts = source.package.split(".")
    parents = parts[: len(parts) - node.level + 1]
    return ".".join([*parents, node.module] if node.module else parents)
