"""Finds tasks that are cancelled once and then awaited."""

import ast
from collections.abc import Iterator

from tests.architecture.sources import Source

Function = ast.FunctionDef | ast.AsyncFunctionDef


def awaited_after_cancel(source: Source) -> Iterator[tuple[int, str]]:
    """Line and text of each await of something on which .cancel() was called before it in the same
    function: of a task by its name, or of the collection over which a loop went.

    A wait with a time-out passes, since it ends. Only code that runs later in the text counts.
    """
    for function in ast.walk(source.tree):
        if isinstance(function, Function):
            cancelled = dict(_cancelled(function))
            for node in _own(function):
                if isinstance(node, ast.Await) and not _ends_in_time(node.value):
                    names = set(_awaited(node.value))
                    if any(
                        name in names and line < node.lineno for name, line in cancelled.items()
                    ):
                        yield node.lineno, ast.unparse(node)


def _cancelled(function: Function) -> Iterator[tuple[str, int]]:
    """What is cancelled, and in which line: X of X.cancel(), and Y of `for X in Y: X.cancel()`."""
    methods = {node.value for node in _own(function) if isinstance(node, ast.Await)}
    for node in _own(function):
        if not isinstance(node, ast.Call) or node.args or node in methods:
            continue
        if isinstance(node.func, ast.Attribute) and node.func.attr == "cancel":
            task = ast.unparse(node.func.value)
            yield task, node.lineno
            for loop in _own(function):
                if isinstance(loop, ast.For) and ast.unparse(loop.target) == task:
                    yield from ((name, node.lineno) for name in _names(loop.iter))


def _awaited(value: ast.expr) -> Iterator[str]:
    """Everything that is awaited by itself or as an argument of a function."""
    parts = [*value.args, *value.keywords] if isinstance(value, ast.Call) else [value]
    for part in parts:
        yield from (ast.unparse(each) for each in ast.walk(part))


def _names(expression: ast.expr) -> Iterator[str]:
    """Variables and attributes in an expression such as list(self._tasks) or [*a, b]."""
    match expression:
        case ast.Name() | ast.Attribute():
            yield ast.unparse(expression)
        case ast.Call(func=ast.Attribute(value=value)):  # tasks.values()
            yield from _names(value)
        case ast.Call(args=args) | ast.List(elts=args) | ast.Tuple(elts=args):
            for each in args:
                yield from _names(each)
        case ast.Starred(value=value):
            yield from _names(value)


def _ends_in_time(awaited: ast.expr) -> bool:
    """asyncio.wait(..., timeout=X)"""
    return isinstance(awaited, ast.Call) and any(
        keyword.arg == "timeout" for keyword in awaited.keywords
    )


def _own(function: Function) -> Iterator[ast.AST]:
    """What is in the function, and not in a function inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))
