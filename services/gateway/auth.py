"""Who may read what: the API key for operators, a cookie for the browser that opened a call."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

from pydantic import SecretStr

from shared.clock import DAY_S
from shared.errors import Unauthorized

COOKIE = "bolchaal_call"
COOKIE_AGE_S = DAY_S


class Authorizer:
    """The rules of the private routes and of one call's events.

    `secret` makes the cookies (the LiveKit secret, the same on all replicas); without an `api_key`
    the private routes answer only `on_loopback`.
    """

    def __init__(self, *, api_key: SecretStr | None, secret: str, on_loopback: bool) -> None:
        self._api_key = api_key.get_secret_value() if api_key else None
        self._secret = secret.encode()
        self._on_loopback = on_loopback

    def require_operator(self, headers: Mapping[str, str]) -> None:
        """Raises Unauthorized unless the request may use the private routes."""
        if self._api_key is None:
            self._require_this_machine(headers)
        elif not equal_secrets(bearer(headers), self._api_key):
            raise Unauthorized("this needs the header Authorization: Bearer GATEWAY_API_KEY")

    def require_call(
        self, call_id: str, headers: Mapping[str, str], cookies: Mapping[str, str]
    ) -> None:
        """Raises Unauthorized unless this browser opened the call, or the API key is given.

        Being on this machine is not enough: it may have several people.
        """
        if equal_secrets(cookies.get(COOKIE, ""), self.cookie(call_id)):
            return
        if self._api_key is None or not equal_secrets(bearer(headers), self._api_key):
            raise Unauthorized("only the browser that opened the call may read it")

    def cookie(self, call_id: str) -> str:
        """The cookie's value for a call: an HMAC, so every replica knows it and none stores it."""
        digest = hmac.new(self._secret, f"call-events:{call_id}".encode(), hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def _require_this_machine(self, headers: Mapping[str, str]) -> None:
        """No key: a server on loopback answers people on this machine.

        The Host must be loopback too, or a page of somebody else's could have its name resolve to
        127.0.0.1, or a reverse proxy could put the routes on the internet; the same for Origin.
        """
        if not self._on_loopback:
            raise Unauthorized("set GATEWAY_API_KEY to use this: the server is not on loopback")
        host = _hostname(f"//{headers.get('host', '')}")
        origin = headers.get("origin")
        if not _loopback(host) or (origin and not _loopback(_hostname(origin))):
            raise Unauthorized("set GATEWAY_API_KEY to use this from other than this machine")


def bearer(headers: Mapping[str, str]) -> str:
    """The token of `Authorization: Bearer TOKEN`, or an empty string."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def equal_secrets(given: str, wanted: str) -> bool:
    """Whether two secrets are equal, in a time that tells nothing about how."""
    return hmac.compare_digest(given.encode(), wanted.encode())


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
