"""The scripted LLM on OpenAI's protocol: a stand-in for Groq, OpenAI or Sarvam's chat models.

It simulates a language model: it follows the questions of the profile in the system prompt and
understands simple answers in every language of ours. It is no language model.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from aiohttp import web

from services.sandbox.control import read_number
from services.sandbox.faults import FaultInjector, InjectedFault
from services.sandbox.handlers import accepts_key, cut_connection
from services.sandbox.llm.dialogue import respond
from services.sandbox.llm.stream import Completion
from services.sandbox.pacing import sleep_until
from services.sandbox.scenarios import languages

MODEL = "scripted"
# Groq retired it on 2026-08-16; an old .env may still name it.
RETIRED = ("llama-3.3-70b-versatile",)
KINDS = ("429", "500", "slow", "bad_arguments", "failed_generation", "drop")
UNKNOWN_MODEL = "unknown-"


class LlmStandIn:
    """`api_keys` as for handlers.accepts_key.

    `first_token_ms` and `tokens_per_second` pace the stream.
    """

    def __init__(
        self,
        *,
        api_keys: Collection[str] | None = None,
        models: Sequence[str] = (MODEL,),
        first_token_ms: float = 200,
        tokens_per_second: float = 60,
    ) -> None:
        self._api_keys = api_keys
        self._models = tuple(models)
        self._first_token_ms = first_token_ms
        self._tokens_per_second = tokens_per_second
        self._faults = FaultInjector(KINDS)
        self._numbers = itertools.count(1)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=4 * 1024 * 1024)
        app.router.add_get("/v1/models", self._list_models)
        app.router.add_get("/v1/models/{model:.+}", self._show_model)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.on_startup.append(_read_phrases)
        return app

    def settings(self) -> dict[str, float]:
        return {
            "SANDBOX_LLM_MS": self._first_token_ms,
            "SANDBOX_LLM_TPS": self._tokens_per_second,
        }

    def update_settings(self, settings: Mapping[str, Any]) -> None:
        """Takes what is its own, leaves the rest. Raises ValueError; then nothing changes."""
        first = read_number(settings, "SANDBOX_LLM_MS", self._first_token_ms)
        pace = read_number(settings, "SANDBOX_LLM_TPS", self._tokens_per_second, low=1)
        self._first_token_ms, self._tokens_per_second = first, pace

    def faults(self) -> list[dict[str, Any]]:
        return self._faults.list()

    def set_faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        self._faults.set(faults)

    async def _list_models(self, request: web.Request) -> web.Response:
        if refusal := self._unauthorised(request):
            return refusal
        return web.json_response(
            {"object": "list", "data": [_model(name) for name in self._models]}
        )

    async def _show_model(self, request: web.Request) -> web.Response:
        name = request.match_info["model"]
        if refusal := self._unauthorised(request) or _no_such_model(name):
            return refusal
        return web.json_response(_model(name))

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        arrived = asyncio.get_running_loop().time()
        if refusal := self._unauthorised(request):
            return refusal
        try:
            body = await request.json()
            messages = body["messages"]
            model = str(body["model"])
            if not isinstance(messages, list) or not all(isinstance(m, dict) for m in messages):
                raise TypeError
        except (ValueError, KeyError, TypeError):
            return _error(400, "We could not parse the JSON body of your request.", "bad_request")
        if refusal := _no_such_model(model):
            return refusal
        fault = self._faults.pick()
        if fault and (refusal := _refusal(fault)):
            return refusal
        completion = Completion(
            respond(messages, body.get("tools")),
            model=model,
            created=int(time.time()),
            number=next(self._numbers),
            prompt=messages,
            broken_arguments=fault is not None and fault.kind == "bad_arguments",
        )
        start = arrived + self._first_token_ms / 1000
        if fault and fault.kind == "slow":
            start = arrived + fault.ms / 1000
        if body.get("stream"):
            usage = bool((body.get("stream_options") or {}).get("include_usage"))
            dropped = fault is not None and fault.kind == "drop"
            return await self._stream(request, completion, start, usage=usage, dropped=dropped)
        length = completion.usage()["completion_tokens"] / self._tokens_per_second
        await sleep_until(start + length)
        return web.json_response(completion.whole())

    async def _stream(
        self,
        request: web.Request,
        completion: Completion,
        start: float,
        *,
        usage: bool,
        dropped: bool,
    ) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        await response.prepare(request)
        try:
            for place, chunk in enumerate(completion.chunks(usage=usage)):
                await sleep_until(start + place / self._tokens_per_second)
                if dropped and place == 2:
                    cut_connection(request)
                    return response
                await response.write(_event(json.dumps(chunk, ensure_ascii=False)))
            await response.write(_event("[DONE]"))
        except ConnectionError:
            pass  # an agent that is interrupted closes the stream before its end
        return response

    def _unauthorised(self, request: web.Request) -> web.Response | None:
        key = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
        if accepts_key(key, self._api_keys):
            return None
        return _error(401, "Invalid API Key", "invalid_api_key")


async def _read_phrases(_: web.Application) -> None:
    """Beforehand: reading all languages would delay the first answer by 10 ms or more."""
    languages()


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "bolchaal-sandbox"}


def _no_such_model(name: str) -> web.Response | None:
    if name not in RETIRED and not name.startswith(UNKNOWN_MODEL):
        return None
    text = f"The model `{name}` does not exist or you do not have access to it."
    return _error(404, text, "model_not_found")


def _refusal(fault: InjectedFault) -> web.Response | None:
    match fault.kind:
        case "429":
            response = _error(429, "Rate limit reached for model", "rate_limit_exceeded")
            response.headers["Retry-After"] = "1"
            return response
        case "500":
            return _error(500, "Internal Server Error", "internal_server_error")
        case "failed_generation":
            text = (
                "Failed to call a function. Please adjust your prompt. "
                "See 'failed_generation' for more details."
            )
            return _error(400, text, "tool_use_failed", failed_generation="<function=save_lead{")
        case _:
            return None


def _error(status: int, message: str, code: str, **more: str) -> web.Response:
    kind = "invalid_request_error" if status < 500 else "server_error"
    error = {"message": message, "type": kind, "param": None, "code": code, **more}
    return web.json_response({"error": error}, status=status)


def _event(data: str) -> bytes:
    return f"data: {data}\n\n".encode()
