"""The languages: their files, how they are spelled, and what a text's script says."""

import tomllib
from pathlib import Path

import pytest

from shared.locales.model import DIGIT_KEYS, UNKNOWN
from shared.locales.registry import FOLDER, LANGUAGES, LOCALES, by_script, load, locale, normalise


def test_the_languages_and_their_order_are_those_of_the_api() -> None:
    """A client that remembers a code, or a place in the list, would get another language."""
    *spoken, last = LANGUAGES
    assert spoken[:11] == [
        *("hi-IN", "en-IN", "ta-IN", "te-IN", "bn-IN", "mr-IN"),
        *("gu-IN", "kn-IN", "ml-IN", "pa-IN", "or-IN"),
    ]
    assert last == UNKNOWN
    assert len(list(FOLDER.glob("*.toml"))) == len(LANGUAGES) - 1


@pytest.mark.parametrize(
    ("meant", "spelled"),
    [
        ("hi-IN", ["hi-IN", "hi", "HI-IN", "hi_IN", " Hi-In ", "Hindi", "हिन्दी", "hi-Deva-IN"]),
        ("or-IN", ["or-IN", "od-IN", "OD_in", "od", "or", "ory", "Oriya", "Odia"]),
        ("en-IN", ["en", "en-US", "en_GB", "english"]),
        ("bn-IN", ["bn", "bn-BD", "Bangla", "bengali"]),
        ("pa-IN", ["pa", "Panjabi"]),
        ("hi-IN", ["हिंदी", "\ufeffhi-IN", "hi\u200b", "hi–IN", "hi IN", "hi_IN.UTF-8", "hi-356"]),
        (UNKNOWN, ["unknown", "Unknown", "auto", "Auto detect"]),
        (None, ["", " ", "xx-IN", "fr", "fr-IN", "hi-", "hi IN please", "123", "h", "-IN", "null"]),
    ],
)
def test_a_language_is_known_by_what_people_call_it(meant: str | None, spelled: list[str]) -> None:
    """A profile from N8N with `hi` or `od-IN` would be refused whole."""
    assert [normalise(each) for each in spelled] == [meant] * len(spelled)


@pytest.mark.parametrize("code", LOCALES)
def test_no_alias_of_one_language_means_another(code: str) -> None:
    own = locale(code)
    for spelled in (own.code, own.html, own.name, own.native, *own.aliases):
        assert normalise(spelled) == code


def test_the_script_tells_the_language() -> None:
    assert by_script("எனக்கு ஒரு flat வேண்டும்") == "ta-IN"
    assert by_script("my name is Asha") == "en-IN"
    assert by_script("मला घर हवे आहे") == "hi-IN"
    assert by_script("98765") is None


def test_no_digit_word_means_two_digits() -> None:
    """The words of all languages count in every call: one would be noted wrong."""
    meanings: dict[str, set[str]] = {}
    for each in LOCALES.values():
        for key in DIGIT_KEYS:
            for word in each.digits[key]:
                meanings.setdefault(word.casefold(), set()).add(key)
    assert {word: keys for word, keys in meanings.items() if len(keys) > 1} == {}


@pytest.mark.parametrize("code", LOCALES)
def test_words_of_tables_that_go_word_by_word_are_single(code: str) -> None:
    """A phrase among them would never be found."""
    own = locale(code)
    for word in (*own.yes, *own.no, *own.backchannels, *sum(own.digits.values(), ())):
        assert word.split() == [word]


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_the_sandbox_s_table_is_the_last_of_a_file(path: Path) -> None:
    """What stood after it would be read by no service."""
    tables = tomllib.loads(path.read_text("utf-8"))
    assert list(tables)[-1] == "sandbox"
    own = LOCALES[tables.pop("code")].model_dump(exclude_unset=True)
    assert set(tables) == {*own, "sandbox"} - {"code"}


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("name = ", "nmae = ", "ta.toml: name: Field required"),
        ("\n3 = [", "\n33 = [", "ta.toml: digits: Value error, no words for 3"),
        ("\n3 = [", "\n30 = []\n3 = [", "ta.toml: digits: Value error, 30 means nothing here"),
        ("lakh = [", "lac = [", "ta.toml: units.lakh: Field required"),
        ("order = 3", "order = 'third'", "ta.toml: order: Input should be a valid integer"),
        ("order = 3", "order = ", "ta.toml: Invalid value"),
        ('code = "ta-IN"', 'code = "tamil"', "ta.toml: code: String should match"),
        ('code = "ta-IN"', 'code = "te-IN"', "te.toml: code: te-IN has another file already"),
    ],
)
def test_a_broken_file_is_named_with_its_key(
    tmp_path: Path, old: str, new: str, named: str
) -> None:
    """Whoever adds a language would search through eleven files."""
    for path in FOLDER.glob("t*.toml"):
        text = path.read_text(encoding="utf-8")
        changed = text.replace(old, new, 1) if path.stem == "ta" else text
        (tmp_path / path.name).write_text(changed, encoding="utf-8")
    with pytest.raises(ValueError, match=named.replace("[", r"\[")):
        load(tmp_path)
