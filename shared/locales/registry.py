"""The languages of a call: one for each TOML file of this folder, and `unknown` for "hear which".

Codes are those of the predecessor's API (BCP 47 with region; Odia is `or-IN`). The files are read
once, when this module is imported.
"""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from shared.locales.model import UNKNOWN, Language, Locale

FOLDER: Final = Path(__file__).parent

ENGLISH: Final = "en-IN"
"""What people mix into every other language, and the language of what is in Latin letters."""

DEFAULT_LANGUAGE: Final = "hi-IN"
"""The language of a call when nobody names one, unless the settings say otherwise."""

# The last table of a file. It is as long as all others together, so services do not parse it.
_SANDBOX: Final = "\n[sandbox]"

_CODE = re.compile(r"([a-z]{2,3})(-[a-z]{4})?(-(?:[a-z]{2}|\d{3}))?")  # in lower case
_AUTOMATIC = ("auto", "auto-detect", "detect")

Model = TypeVar("Model", bound=BaseModel)


def load(folder: Path = FOLDER) -> dict[str, Locale]:
    """The folder's languages by code, in order. Raises ValueError that names file and key."""
    found: dict[str, Locale] = {}
    for path in sorted(folder.glob("*.toml")):
        locale = validated(Locale, _parsed(_read(path).partition(_SANDBOX)[0], path), path)
        if locale.code in found:
            raise ValueError(f"{path.name}: code: {locale.code} has another file already")
        found[locale.code] = locale
    return dict(sorted(found.items(), key=lambda item: item[1].order))


def sandbox_tables() -> dict[str, tuple[Path, dict[str, Any]]]:
    """The table [sandbox] of each file with the file's path, by the language's code."""
    tables = ((path, _parsed(_read(path), path)) for path in sorted(FOLDER.glob("*.toml")))
    return {str(table["code"]): (path, table.get("sandbox", {})) for path, table in tables}


def validated(
    model: type[Model], content: Mapping[str, Any], path: Path, *, table: str = ""
) -> Model:
    """A file's content, or that of one `table`. Raises ValueError that names file and key."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(map(str, (*([table] if table else []), *first["loc"])))
        raise ValueError(f"{path.name}: {key}: {first['msg']}") from None


def _read(path: Path) -> str:
    # In one Unicode form, so that what is said, heard and expected compare equal.
    return unicodedata.normalize("NFC", path.read_text(encoding="utf-8"))


def _parsed(text: str, path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path.name}: {error}") from None


LOCALES: Final[dict[str, Locale]] = load()
"""The languages that have a file, in the order of lists."""

LANGUAGES: Final[dict[str, Language]] = {
    **LOCALES,
    UNKNOWN: Language(
        code=UNKNOWN,
        name="Auto-detect",
        native="Auto-detect",
        fallback=LOCALES[ENGLISH].fallback,
    ),
}
"""What a call may be in: those, and `unknown`."""


def locale(code: str) -> Locale:
    """The language's file. Raises KeyError for `unknown` and for what is none."""
    return LOCALES[code]


def is_language(code: str) -> bool:
    """Whether `code` is exactly one of ours or `unknown`."""
    return code in LANGUAGES


def normalise(code: str) -> str | None:
    """The language that people mean by a code or an English name; None when it is none of ours.

    `hi`, `HI-IN`, `hi_IN` and `Hindi` are hi-IN, `od-IN` is or-IN, `auto` is unknown. A region or a
    script that we do not have is left out: en-GB is en-IN.
    """
    wanted = _folded(re.sub(r"[.@].*", "", code))  # hi_IN.UTF-8
    if wanted in _ALIASES:
        return _ALIASES[wanted]
    match = _CODE.fullmatch(wanted)
    return _ALIASES.get(match[1]) if match else None


def by_script(text: str) -> str | None:
    """The language whose script most letters of `text` are in; None when that says nothing.

    Hindi and Marathi share a script: it answers hi-IN for both. Latin letters answer en-IN.
    """
    counts: dict[str, int] = {}
    for letter in text:
        if letter.isascii():
            if letter.isalpha():
                counts[ENGLISH] = counts.get(ENGLISH, 0) + 1
            continue
        point = ord(letter)
        for code, (first, last) in _BLOCKS:
            if first <= point <= last:
                counts[code] = counts.get(code, 0) + 1
                break
    return max(counts, key=lambda code: counts[code]) if counts else None


def _folded(text: str) -> str:
    """Without marks that no editor shows, and with one kind of dash for all that separates."""
    shown = "".join(each for each in text if unicodedata.category(each) not in ("Cc", "Cf"))
    return re.sub(r"[\s_‐-―-]+", "-", unicodedata.normalize("NFC", shown).strip()).casefold()


def _aliases(locales: Iterable[Locale]) -> dict[str, str]:
    """Every spelling that means a language, in lower case, to its code."""
    table = dict.fromkeys((UNKNOWN, *_AUTOMATIC), UNKNOWN)
    for each in locales:
        names = (each.code, each.html, each.name, each.native, *each.aliases)
        for spelling in (*names, each.sarvam.realtime, each.sarvam.others):
            table[_folded(spelling)] = each.code
    return table


_ALIASES: Final = _aliases(LOCALES.values())
_BLOCKS: Final = tuple((each.code, each.block) for each in LOCALES.values() if each.block)
