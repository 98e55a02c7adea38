"""Finds tests that sleep in real time and do not say why."""

import ast
from collections.abc import Iterator

from tests.architecture.direct_time import direct_times
from tests.architecture.sources import Source

SLEEPS = ("asyncio.sleep", "asyncio.tasks.sleep", "anyio.sleep", "time.sleep")


def unexplained_sleeps(source: Source) -> Iterator[int]:
    """Lines that sleep without a comment. asyncio.sleep(0) passes, which only lets others run, and
    whatever is inside a test in virtual time."""
    lines = source.text.splitlines()
    passes = set(_in_virtual_time(source.tree)) | set(_turns(source.tree))
    for line, name in direct_times(source):
        if name in SLEEPS and line not in passes and " # " not in lines[line - 1]:
            yield line


def _in_virtual_time(tree: ast.Module) -> Iterator[int]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AsyncFunctionDef) and any(
            ast.unparse(each) == "in_virtual_time" for each in node.decorator_list
        ):
            yield from range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _turns(tree: ast.Module) -> Iterator[int]:
    """asyncio.sleep(0)"""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="sleep"), args=[ast.Constant(value=0)]):
                yield node.lineno
