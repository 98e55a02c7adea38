"""The control port of the stand-ins: their latencies and their faults, changed while they run.

GET /settings        {"SANDBOX_LLM_MS": 200, ...}
PUT /settings        some of them, in the same shape; answers all
GET /faults          {"llm": [...], "n8n": [...], "sarvam": [...]}
PUT /faults          some of them, in the same shape: each list replaces that stand-in's faults
"""

from collections.abc import Mapping
from typing import Any, Protocol

from aiohttp import web

from services.sandbox.handlers import error, read_object


class StandIn(Protocol):
    """What each stand-in offers to the control port. The setters raise ValueError."""

    def settings(self) -> dict[str, Any]: ...
    def update_settings(self, settings: Mapping[str, Any], /) -> None: ...
    def faults(self) -> list[dict[str, Any]]: ...
    def set_faults(self, faults: list[dict[str, Any]], /) -> None: ...


class Control:
    """Routes over the stand-ins by name."""

    def __init__(self, stand_ins: Mapping[str, StandIn]) -> None:
        self._stand_ins = stand_ins

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self._index),
            web.get("/settings", self._get_settings),
            web.put("/settings", self._put_settings),
            web.get("/faults", self._get_faults),
            web.put("/faults", self._put_faults),
        ]

    async def _index(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                "simulated": sorted(self._stand_ins),
                "settings": self._settings(),
                "faults": self._faults(),
            }
        )

    async def _get_settings(self, _: web.Request) -> web.Response:
        return web.json_response(self._settings())

    async def _put_settings(self, request: web.Request) -> web.Response:
        before = self._settings()
        try:
            wanted = await read_object(request)
            if unknown := sorted(set(wanted) - set(before)):
                raise ValueError(f"no such setting: {', '.join(unknown)}")
            for stand_in in self._stand_ins.values():
                stand_in.update_settings(wanted)
        except ValueError as wrong:
            for stand_in in self._stand_ins.values():
                stand_in.update_settings(before)  # all or nothing
            return error(422, "invalid", str(wrong))
        return web.json_response(self._settings())

    async def _get_faults(self, _: web.Request) -> web.Response:
        return web.json_response(self._faults())

    async def _put_faults(self, request: web.Request) -> web.Response:
        before = self._faults()
        try:
            wanted = await read_object(request)
            if unknown := sorted(set(wanted) - set(self._stand_ins)):
                raise ValueError(f"no such stand-in: {', '.join(unknown)}")
            for name, faults in wanted.items():
                if not isinstance(faults, list):
                    raise ValueError(f"{name}: found {faults!r}, expected a list of faults")
                self._stand_ins[name].set_faults(faults)
        except ValueError as wrong:
            for name, faults in before.items():
                self._stand_ins[name].set_faults(faults)
            return error(422, "invalid", str(wrong))
        return web.json_response(self._faults())

    def _settings(self) -> dict[str, Any]:
        return {
            name: value
            for stand_in in self._stand_ins.values()
            for name, value in stand_in.settings().items()
        }

    def _faults(self) -> dict[str, list[dict[str, Any]]]:
        return {name: stand_in.faults() for name, stand_in in self._stand_ins.items()}


def read_number(
    settings: Mapping[str, Any], name: str, current: float, *, low: float = 0.0
) -> float:
    """The new value of a numeric setting, or the current one. Raises ValueError."""
    if name not in settings:
        return current
    value = settings[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or value < low:
        raise ValueError(f"{name}: found {value!r}, expected a number from {low:g} up")
    return float(value)
