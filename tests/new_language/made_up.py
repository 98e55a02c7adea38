"""A language that nobody speaks: English in the letters of Ol Chiki, a script that we lack.

Everything about it is in its one file and in its translation of the built-in profile.
"""

import json
import tomllib
from pathlib import Path
from typing import Any

CODE = "xx-IN"
NAME = "Madeupish"
BLOCK = (0x1C50, 0x1C7F)
FIRST_LETTER = 0x1C5A

_LETTERS = {
    letter: FIRST_LETTER + place
    for place, letter in enumerate(map(ord, "abcdefghijklmnopqrstuvwxyz"))
}


def made_up(english: str) -> str:
    """English words in the language; what is in braces is a place and stays."""
    outside, *placed = english.split("{")
    parts = [outside.lower().translate(_LETTERS)]
    for part in placed:
        place, _, rest = part.partition("}")
        parts.append(f"{{{place}}}{rest.lower().translate(_LETTERS)}")
    return "".join(parts)


def add_to(root: Path) -> None:
    """What a contributor does: one file, and one translation."""
    english = tomllib.loads((root / "shared/locales/en.toml").read_text("utf-8"))
    _write(_locale(english), root / "shared/locales/xx.toml")
    built_in = root / "shared/profiles/default.json"
    profile = json.loads(built_in.read_text("utf-8"))
    profile["translations"][CODE] = _translated(profile["translations"]["en-IN"], keep=("key",))
    built_in.write_text(json.dumps(profile, ensure_ascii=False), "utf-8")


def _locale(english: dict[str, Any]) -> dict[str, Any]:
    return {
        **_translated(english),
        "code": CODE,
        "name": NAME,
        "native": made_up(NAME),
        "order": 99,
        "block": list(BLOCK),
        "aliases": ["madeup"],
        "sarvam": {"realtime": "xy-IN", "others": "xz-IN"},
        "font": {
            "family": "Noto Sans Tamil",
            "package": "noto-sans-tamil",
            "subsets": ["tamil"],
        },
        "sandbox": {**_translated(english["sandbox"]), "voice": "hi", "full_stop": "."},
    }


def _translated(value: Any, keep: tuple[str, ...] = ()) -> Any:
    if isinstance(value, str):
        return made_up(value)
    if isinstance(value, list):
        return [_translated(each, keep) for each in value]
    if isinstance(value, dict):
        return {
            key: each if key in keep else _translated(each, keep) for key, each in value.items()
        }
    return value


def _write(table: dict[str, Any], path: Path) -> None:
    path.write_text("\n".join(_lines(table)) + "\n", "utf-8")


def _lines(table: dict[str, Any], name: str = "") -> list[str]:
    """TOML: a table's own keys, then the tables in it."""
    lines = [f"[{name}]"] if name else []
    inner = {key: value for key, value in table.items() if isinstance(value, dict)}
    # JSON's strings, numbers and lists are TOML's, too.
    lines += [
        f"{key} = {json.dumps(value, ensure_ascii=False)}"
        for key, value in table.items()
        if key not in inner
    ]
    for key, value in inner.items():
        lines += ["", *_lines(value, f"{name}.{key}" if name else key)]
    return lines
