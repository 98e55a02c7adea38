"""Lists of what is still to be mended: nothing new gets in, and what was mended goes out."""

from collections.abc import Collection, Mapping


def assert_only_known(found: Mapping[str, object], known: Collection[str]) -> None:
    """`found`: by path, what is wrong there; `known`: the paths in which it may be wrong yet."""
    new = {path: found[path] for path in sorted(found.keys() - set(known))}
    assert not new, new
    mended = sorted(set(known) - found.keys())
    assert not mended, f"mended by now, so take it out of the list: {', '.join(mended)}"
