"""Redis keys: all are spelled in one module, and few others touch what holds callers' data."""

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.sources import ROOT, Source, product_sources

KEYS = "shared/redis/keys.py"
CALLS = {"shared/calls/repository.py"}
LEADS = {"shared/leads/repository.py"}
DELIVERIES = {
    "shared/deliveries/repository.py",  # reads, forgets what is gone, sends again
    "services/leads/delivery/policy.py",  # all else: the scripts of the leads service
}

# Who names a key, and so may read or change what is under it.
TOUCHED_BY = {
    "call": {
        *CALLS,
        "shared/calls/log.py",  # reads who holds the call
        *LEADS,  # reads whether the call has ended
    },
    "call_log": {
        *CALLS,
        *LEADS,
        "shared/calls/log.py",
        "shared/deliveries/repository.py",
        "services/leads/delivery/policy.py",
    },
    "call_of_room": CALLS,
    "CALLS_INDEX": CALLS,
    "CALLS_DUE": CALLS,
    "lead": {
        *LEADS,
        *CALLS,  # the end of a call makes its lead final
        "services/leads/destinations/lead_capture.py",  # reads what is to be posted
    },
    "LEADS_INDEX": LEADS,
    "delivery": DELIVERIES,
    "delivery_attempts": DELIVERIES,
    "deliveries_due": DELIVERIES,
    "deliveries_parked": DELIVERIES,
    "deliveries_dead": DELIVERIES,
    "deliveries_index": DELIVERIES,
}


def test_only_these_modules_touch_calls_leads_and_deliveries() -> None:
    """A second writer would change half of what one script changes together."""
    found: dict[str, set[str]] = {name: set() for name in TOUCHED_BY}
    for source in product_sources():
        for node in ast.walk(source.tree):
            if _is_key(node) and node.attr in found:  # type: ignore[attr-defined]
                found[node.attr].add(source.path)  # type: ignore[attr-defined]
    assert found == TOUCHED_BY


def test_keys_are_spelled_in_one_module() -> None:
    """Who erases a caller, or looks for what fills Redis, would miss a key."""
    found = {
        source.path: spelled
        for source in product_sources()
        if source.path != KEYS and (spelled := list(_spelled(source)))
    }
    for script in sorted((ROOT / "shared").rglob("*.lua")) + sorted(
        (ROOT / "services").rglob("*.lua")
    ):
        code = re.sub(r"--.*", "", script.read_text("utf-8"))
        if parts := re.findall(r"bolchaal:|KEYS\[\d+\]\s*\.\.|\.\.\s*KEYS\[\d+\]", code):
            found[script.relative_to(ROOT).as_posix()] = parts
    assert found == {}


@pytest.mark.parametrize(
    "code",
    [
        "redis.get('bolchaal:x')",
        "f'{keys.call(x)}:said'",
        "keys.call(x) + ':log'",
        "f'bolchaal:{x}'",
    ],
)
def test_spelled_keys_are_found(code: str) -> None:
    assert list(_spelled(Source("a.py", "a", code, ast.parse(code))))


def _spelled(source: Source) -> Iterator[str]:
    """Keys that are written out, or made of others."""
    for node in ast.walk(source.tree):
        match node:
            case ast.Constant(value=str(text)) if text.startswith("bolchaal:"):
                yield text
            case ast.FormattedValue(value=part) if _makes_key(part):
                yield ast.unparse(node)
            case ast.BinOp(left=left, right=right) if _makes_key(left) or _makes_key(right):
                yield ast.unparse(node)


def _makes_key(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and _is_key(node.func)


def _is_key(node: ast.AST) -> bool:
    """keys.NAME"""
    return (
        isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "keys"
    )
