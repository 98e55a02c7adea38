"""What is known of a language stands in its file in shared/locales, and nowhere in the code."""

import ast
import re
from collections.abc import Iterator

import pytest

from shared.locales.registry import LOCALES
from tests.architecture.sources import PRODUCT, ROOT, Source, product_sources

THE_FILES = "shared/locales/"
ALLOWED = {
    # Languages that Sarvam hears and does not speak, so none of ours.
    "services/sandbox/sarvam/spelling.py",
    # The name of the product, in its own letters.
    "services/gateway/templates/base.html",
}
PAGE = (".js", ".mjs", ".html", ".css")

_CODE = re.compile(r"\b[a-z]{2,3}[-_]IN\b")
_NAME = re.compile(rf"\b({'|'.join(each.name for each in LOCALES.values())})\b")
_SENTENCE_ENDS = "।॥"  # of several scripts, as a full stop is of Latin


def _of_a_language(text: str) -> bool:
    """Whether the text has a language's code or name, or a letter of its script."""
    return bool(_CODE.search(text) or _NAME.search(text)) or any(
        each.block and each.block[0] <= ord(letter) <= each.block[1]
        for letter in text
        if letter not in _SENTENCE_ENDS
        for each in LOCALES.values()
    )


def _strings(source: Source) -> Iterator[str]:
    """Every text in the code but docstrings and comments: these may give examples."""
    explained = {
        id(node.value)
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Constant) or id(node) in explained:
            continue
        if isinstance(node.value, str):
            yield node.value


def test_no_language_is_spelled_in_the_code() -> None:
    """A new language would be missing from a table that nobody told its author of."""
    found = {
        source.path: texts
        for source in product_sources()
        if not source.path.startswith(THE_FILES)
        if (texts := [text for text in _strings(source) if _of_a_language(text)])
    }
    for folder in PRODUCT:
        for path in (ROOT / folder).rglob("*"):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix in PAGE and "/vendor/" not in name:
                lines = path.read_text("utf-8").splitlines()
                if texts := [line for line in lines if _of_a_language(line)]:
                    found[name] = texts
    assert found.keys() == ALLOWED, found


@pytest.mark.parametrize(
    "code", ['x = "ta-IN"', 'x = {"od_IN": 1}', 'say("नमस्ते")', 'f"Speak Tamil {x}"']
)
def test_what_names_a_language_is_found(code: str) -> None:
    strings = _strings(Source("services/x.py", "services.x", code, ast.parse(code)))
    assert any(map(_of_a_language, strings))


@pytest.mark.parametrize("code", ['"""Such as ta-IN."""', 'x = "in India"', 'x = "। "'])
def test_examples_in_a_docstring_pass(code: str) -> None:
    strings = _strings(Source("services/x.py", "services.x", code, ast.parse(code)))
    assert not any(map(_of_a_language, strings))
