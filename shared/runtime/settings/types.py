"""Types of settings: what an address, a key or a header may be, said before it is used.

Each refuses with the words that follow "expected" in the line that names the variable.
"""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, SecretStr

from shared.locales.registry import LANGUAGES, is_language

# Headers of our own posts, which N8N_AUTH_HEADER must not replace.
OUR_HEADERS = frozenset(
    {
        "connection",
        "content-length",
        "content-type",
        "host",
        "idempotency-key",
        "if-none-match",
        "transfer-encoding",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
    }
)


def _scheme(*allowed: str) -> AfterValidator:
    def check(value: str) -> str:
        try:
            parts = urlsplit(value)
            host, _ = parts.hostname, parts.port  # a port that is none raises only when read
        except ValueError:
            raise ValueError("an address with a valid host and port") from None
        if parts.scheme not in allowed or not parts.netloc:
            raise ValueError(
                f"an address that begins with {' or '.join(f'{a}://' for a in allowed)}"
            )
        if not host:
            raise ValueError("an address with a host")
        if any(letter.isspace() or not letter.isprintable() for letter in value):
            raise ValueError("an address without spaces and control characters")
        if not value.isascii() and "redis" not in allowed:
            raise ValueError("an address in ASCII: a name as xn--..., a path with %XX")
        return value.rstrip("/")

    return AfterValidator(check)


def _database(value: str) -> str:
    """Redis clients silently take database 0 for a path that is no number."""
    path = urlsplit(value).path.strip("/")
    if path and not (path.isascii() and path.isdigit()):
        raise ValueError("an address that ends with the number of a database, such as /0")
    return value


def _known_language(value: str) -> str:
    if not is_language(value):
        raise ValueError(f"one of {', '.join(LANGUAGES)}")
    return value


def _sendable(text: str) -> str:
    """A key travels in an HTTP header: what cannot is refused here, not at the first call."""
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("letters, digits and signs of ASCII, without spaces")
    return text


def _sendable_secret(secret: SecretStr) -> SecretStr:
    _sendable(secret.get_secret_value())
    return secret


def _header_value(secret: SecretStr) -> SecretStr:
    text = secret.get_secret_value()
    if not text.isascii() or not text.isprintable():
        raise ValueError("what an HTTP header can carry: printable ASCII in one line")
    return secret


def _header_name(name: str) -> str:
    if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise ValueError("the name of an HTTP header, such as X-Api-Key")
    if name.lower() in OUR_HEADERS:
        raise ValueError(f"a header that is not used otherwise: each post has its own {name}")
    return name


def _webhook_path(path: str) -> str:
    """Other scripts are sent as %XX; what has no glyph is not sent at all."""
    if not path.startswith("/") or not path.isprintable() or " " in path:
        raise ValueError("a path that begins with /, without spaces and control characters")
    return path


def _listenable(address: str) -> str:
    if not re.fullmatch(r"[0-9A-Za-z.:_-]+(%[0-9A-Za-z]+)?", address):
        raise ValueError("an address of this machine, such as 127.0.0.1, 0.0.0.0 or ::")
    return address


Key = Annotated[str, AfterValidator(_sendable)]
Credential = Annotated[SecretStr, AfterValidator(_sendable_secret)]
HeaderValue = Annotated[SecretStr, AfterValidator(_header_value)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
ListenAddress = Annotated[str, AfterValidator(_listenable)]
HttpUrl = Annotated[str, _scheme("http", "https")]
WsUrl = Annotated[str, _scheme("ws", "wss", "http", "https")]
RedisUrl = Annotated[str, _scheme("redis", "rediss"), AfterValidator(_database)]
WebhookPath = Annotated[str, AfterValidator(_webhook_path)]
LanguageCode = Annotated[str, AfterValidator(_known_language)]
