"""The product's Python files as the architecture tests read them: by their syntax trees."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("services", "shared")


@dataclass(frozen=True, slots=True)
class Source:
    """One Python file: its path from the repository's root, its dotted name and its text."""

    path: str
    module: str
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        """The package that a relative import of this file starts from."""
        is_package = self.path.endswith("__init__.py")
        return self.module if is_package else self.module.rpartition(".")[0]


def read_source(path: Path, root: Path = ROOT) -> Source:
    relative = path.relative_to(root)
    names = relative.with_suffix("").parts
    module = ".".join(names[:-1] if names[-1] == "__init__" else names)
    text = path.read_text(encoding="utf-8")
    return Source(relative.as_posix(), module, text, ast.parse(text, str(relative)))


def read_tree(root: Path, *folders: str) -> Iterator[Source]:
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            yield read_source(path, root)


@cache
def product_sources() -> tuple[Source, ...]:
    """Every Python file of services/ and shared/."""
    return tuple(read_tree(ROOT, *PRODUCT))
