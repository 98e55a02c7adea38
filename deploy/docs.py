"""Keeps what is derived from the code in step with it: `make docs`, `make check`.

python deploy/docs.py           writes .env.example, the tables in README.md, the environments in
                                docker-compose.yml and docs/schemas (schemas.py)
python deploy/docs.py --check   changes nothing; exits 1 and names what is out of date
"""

import importlib
import sys
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("gateway", "config", "agent", "leads")
SANDBOX = "make run"
BEGIN, END = "settings: made by `make docs`", "/settings"

# Headings in the order in which an operator needs them, by the class that declares the settings.
TITLES = {
    "RedisSettings": "Redis",
    "LiveKitSettings": "LiveKit",
    "SarvamSettings": "Sarvam",
    "LlmKeySettings": "Language model",
    "LlmSettings": "Language model",
    "N8NSettings": "N8N",
    "LanguageSettings": "Language and voice",
    "ProfileSettings": "Profiles",
    "GatewaySettings": "Gateway",
    "ConfigSettings": "Config",
    "DestinationSettings": "Leads",
    "DeliverySettings": "Leads",
    "AgentSettings": "Agent",
    "WorkerSettings": "Agent: calls and workers",
    "ConversationSettings": "Agent: conversation",
    "HealthSettings": "Health",
    "LogSettings": "Log",
    "RunSettings": "Sandbox",
}

# What a container must not take from the operator's .env: its own addresses, ports and folders.
PINNED = {
    "BIND_ADDRESS": "0.0.0.0",
    "HEALTH_PORT": "8080",
    "WEB_PORT": "3000",
    "SPOOL_DIR": "/var/lib/bolchaal/spool",
}
COMPOSE_DEFAULTS = {"REDIS_URL": "redis://redis:6379/0"}


class Fault(Exception):
    """Something that a person has to mend in the settings or in a file's markers."""


@dataclass(frozen=True)
class Entry:
    """One setting. `default` is written as in `.env`; None: it has none."""

    name: str
    default: str | None
    required: bool
    description: str
    section: str
    users: tuple[str, ...]


def main(arguments: list[str], root: Path = ROOT) -> int:
    try:
        files = list(render(root))
    except Fault as fault:
        sys.stderr.write(f"settings: {fault}\n")
        return 1
    stale = [(path, text) for path, text in files if read(path) != text]
    for path, text in stale:
        if "--check" in arguments:
            sys.stderr.write(f"{path.relative_to(root)}: out of date, run make docs\n")
        elif text is None:
            path.unlink()
            sys.stdout.write(f"{path.relative_to(root)}: removed\n")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            sys.stdout.write(f"{path.relative_to(root)}: written\n")
    return 1 if stale and "--check" in arguments else 0


def render(root: Path) -> Iterator[tuple[Path, str | None]]:
    """Each derived file with the text that it should have; None for one that should not be."""
    entries = collect()
    yield root / ".env.example", env_example(entries)
    readme = root / "README.md"
    yield readme, between(read(readme), f"<!-- {BEGIN} -->", f"<!-- {END} -->", tables(entries))
    compose = root / "docker-compose.yml"
    text = read(compose)
    for service in SERVICES:
        text = between(
            text,
            f"# {service} {BEGIN}",
            f"# {service} {END}",
            environment(entry for entry in entries if service in entry.users),
        )
    yield compose, text
    yield from importlib.import_module("deploy.schemas").render(root)


def collect() -> list[Entry]:
    """Every setting once, by section. Raises Fault for one that is described in two ways."""
    entries: dict[str, Entry] = {}
    for user, cls in classes():
        for name, field in cls.model_fields.items():
            entry = describe(name, field, owner(cls, name), user)
            known = entries.get(entry.name)
            if known is None:
                entries[entry.name] = entry
            elif user != SANDBOX:
                if (known.default, known.required) != (entry.default, entry.required):
                    raise Fault(
                        f"{entry.name} has one default in {known.users[0]}, another in {user}"
                    )
                entries[entry.name] = replace(known, users=(*known.users, user))
    titles = list(TITLES.values())
    rank = {title: number for number, title in enumerate(titles)}
    return sorted(entries.values(), key=lambda e: rank.get(e.section, len(titles) - 1.5))


def classes() -> Iterator[tuple[str, Any]]:
    """The settings class of each service, then those of the sandbox."""
    for service in SERVICES:
        try:
            module = importlib.import_module(f"services.{service}.settings")
        except ModuleNotFoundError as missing:
            raise Fault(f"of {service} cannot be read: {missing}") from missing
        yield service, getattr(module, f"{service.capitalize()}Settings")
    base = importlib.import_module("shared.runtime.settings").Settings
    for path in sorted((ROOT / "services" / "sandbox").rglob("settings.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for cls in vars(importlib.import_module(name)).values():
            if isinstance(cls, type) and issubclass(cls, base) and cls.__module__ == name:
                yield SANDBOX, cls


def owner(cls: Any, name: str) -> str:
    """Name of the class that declares the field, or of the first of its bases that has a title."""
    found = next(c for c in cls.__mro__ if name in vars(c).get("__annotations__", {}))
    names = [str(c.__name__) for c in found.__mro__]
    return next((each for each in names if each in TITLES), names[0])


def describe(name: str, field: Any, declared_in: str, user: str) -> Entry:
    if not field.description:
        raise Fault(f"{name.upper()} in {declared_in} has no description")
    required = field.is_required()
    return Entry(
        name=name.upper(),
        default=None if required else written(field.default),
        required=required and user != SANDBOX,
        description=field.description,
        section=TITLES["RunSettings"]
        if user == SANDBOX
        else TITLES.get(declared_in, declared_in.removesuffix("Settings")),
        users=(user,),
    )


def written(value: Any) -> str | None:
    """A default as one would write it in `.env`; None for nothing."""
    if value is None or value in ((), ""):
        return None
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def sections(entries: Iterable[Entry]) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    for entry in entries:
        found.setdefault(entry.section, []).append(entry)
    return found


def env_example(entries: Iterable[Entry]) -> str:
    text = (
        "# Made by `make docs` from the settings in the code. Copy to .env and fill in what you"
        " have.\n# An empty value counts as unset; a line that begins with # shows the default.\n"
    )
    for title, group in sections(entries).items():
        text += f"\n# --- {title} ---\n"
        for entry in group:
            meaning = f"{entry.description} [{', '.join(entry.users)}]"
            text += f"\n{textwrap.fill(meaning, 98, initial_indent='# ', subsequent_indent='# ')}\n"
            text += (
                f"{entry.name}=\n" if entry.default is None else f"#{entry.name}={entry.default}\n"
            )
    return text


def tables(entries: Iterable[Entry]) -> str:
    text = ""
    for title, group in sections(entries).items():
        text += f"\n### {title}\n\n| variable | default | meaning | read by |\n|---|---|---|---|\n"
        for entry in group:
            default = f"`{entry.default}`" if entry.default else "required" * entry.required
            meaning = entry.description.replace("|", "\\|")
            text += f"| `{entry.name}` | {default} | {meaning} | {', '.join(entry.users)} |\n"
    return text + "\n"


def environment(entries: Iterable[Entry]) -> str:
    lines = ""
    for entry in entries:
        value = f"${{{entry.name}:-{COMPOSE_DEFAULTS.get(entry.name, '')}}}"
        if entry.name in PINNED:
            value = f'"{PINNED[entry.name]}"'
        lines += f"      {entry.name}: {value}\n"
    return lines


def between(text: str, begin: str, end: str, inner: str) -> str:
    """The text with `inner` in the lines between the two marker lines. Raises Fault."""
    head, found, rest = text.partition(f"{begin}\n")
    tail = rest.find(end)
    if not found or tail < 0:
        raise Fault(f"the markers {begin!r} and {end!r} are missing")
    indent = len(rest[:tail]) - len(rest[:tail].rstrip(" "))
    return head + found + inner + rest[tail - indent :]


def read(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    raise SystemExit(main(sys.argv[1:]))
