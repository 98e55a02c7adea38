"""Reading settings from the environment and `.env`, and refusing wrong ones in one line each.

Every value is trimmed, wherever it comes from: a newline at the end of a key would otherwise break
each request that carries it. An empty value is an unset one, since Coolify and compose pass empty
strings.
"""

import sys
from typing import Any, NoReturn, TypeVar
from unicodedata import category
from urllib.parse import urlsplit, urlunsplit

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from shared.errors import SettingsError

# Exit code for a wrong or missing setting; anything else that ends a service is 1.
EXIT_SETTINGS = 2

# Unicode's classes of what no editor shows: controls, marks of format (byte-order mark, zero-width
# space, soft hyphen, directions), and spaces of every width.
INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})


class Settings(BaseSettings):
    """Base of every service's settings."""

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8-sig",  # Windows editors begin a file with a byte-order mark
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        validate_default=False,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        outside = (env_settings, dotenv_settings, file_secret_settings)
        return (init_settings, *(Trimmed(settings_cls, each) for each in outside))


class Trimmed(PydanticBaseSettingsSource):
    """What another source has, trimmed; what is empty then is left to the next source."""

    def __init__(
        self, settings_cls: type[BaseSettings], source: PydanticBaseSettingsSource
    ) -> None:
        super().__init__(settings_cls)
        self._source = source

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._source.get_field_value(field, field_name)

    def __call__(self) -> dict[str, Any]:
        trimmed = {name: _trimmed(value) for name, value in self._source().items()}
        return {name: value for name, value in trimmed.items() if value != ""}


def _trimmed(value: Any) -> Any:
    """Without white space and invisible marks at both ends: copying brings them along."""
    if not isinstance(value, str):
        return value
    shown = [at for at, letter in enumerate(value) if category(letter) not in INVISIBLE]
    return value[shown[0] : shown[-1] + 1] if shown else ""


SettingsT = TypeVar("SettingsT", bound=Settings)


def load(cls: type[SettingsT]) -> SettingsT:
    """The settings, or one line per fault on stderr and exit code 2. Never shows a secret."""
    try:
        return cls()
    except ValidationError as error:
        refuse(*(_line(cls, fault) for fault in error.errors(include_url=False)))
    except SettingsError as error:
        refuse(error.message)
    except UnicodeDecodeError:
        refuse(".env: found bytes that are not UTF-8, expected a text file in UTF-8")


def refuse(*lines: str) -> NoReturn:
    """Ends the process because of a setting: the lines on stderr, exit code 2."""
    for line in lines:
        sys.stderr.write(f"{line}\n")
    raise SystemExit(EXIT_SETTINGS)


def _is_secret(cls: type[Settings], name: str) -> bool:
    """Whether the value of a setting must never be shown."""
    return "SecretStr" in str(cls.model_fields[name].annotation)


def redact(url: str) -> str:
    """The address without user and password."""
    try:
        parts = urlsplit(url)
    except ValueError:  # brackets that do not match: keep only what follows the password
        return f"***@{url.rpartition('@')[2]}" if "@" in url else url
    if "@" not in parts.netloc:
        return f"***@{url.rpartition('@')[2]}" if "@" in url else url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, f"***@{host}", parts.path, parts.query, parts.fragment))


def _line(cls: type[Settings], fault: ErrorDetails) -> str:
    """`NAME: found X, expected Y` for one fault that pydantic found."""
    name = str(fault["loc"][0]) if fault["loc"] else ""
    if name not in cls.model_fields:
        return fault["msg"].removeprefix("Value error, ")
    expected = cls.model_fields[name].description or fault["msg"]
    if fault["type"] == "missing":
        return f"{name.upper()}: not set, expected: {expected}"
    reason = _reason(fault)
    found = (
        "a value that is not shown" if _is_secret(cls, name) else repr(redact(str(fault["input"])))
    )
    return f"{name.upper()}: found {found}, expected {reason}"


def _reason(fault: ErrorDetails) -> str:
    limits = fault.get("ctx", {})
    if fault["type"] in ("string_too_short", "too_short"):
        return f"{limits['min_length']} characters or more"
    if fault["type"] == "string_pattern_mismatch":
        return f"text that matches {limits['pattern']}"
    return fault["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
