"""A stand-in for N8N with the shipped workflows imported and active.

It simulates n8n's webhooks: the answers of the workflows, n8n's own answers around them, and, on
demand, the ways in which a real one fails. It runs no workflows but these three.
"""

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web

from services.sandbox.control import read_number
from services.sandbox.faults import FaultInjector, InjectedFault
from services.sandbox.handlers import cut_connection
from services.sandbox.n8n.records import Received, Records
from services.sandbox.n8n.workflows import (
    Profiles,
    WorkflowAnswer,
    accepted,
    check_call,
    check_lead,
    etag,
    rejected,
    signature_fault,
)

EXAMPLES = Path(__file__).parent / "profiles"
# n8n answers 500 to a body over this size, not 413.
LARGEST_BODY = 16 * 1024 * 1024
KINDS = (
    "500",  # a node throws; nothing is recorded
    "slow",  # works `ms` longer, then records and answers
    "reset",  # cuts the connection before it did anything
    "reset_after",  # records, then cuts the connection
    "empty",  # 200 without a body: the Respond node was never reached, nothing is recorded
    "started",  # 200 "Workflow was started", then the workflow throws: nothing is recorded
    "not_registered",  # n8n's own 404 while it restarts
    "403",  # header auth refused
    "422",  # the workflow rejects
    "nonsense",  # 200 with a page of HTML
    "down",  # nobody answers: every connection is cut at once
)
WEBHOOKS = {"agent-config": "GET", "lead-capture": "POST", "call-ended": "POST"}
Check = Callable[[Any, Received], tuple[dict[str, Any], list[str]]]


class N8nStandIn:
    """`profiles`: by id, or a folder of ID.json. `secret`: whsec_... that leads are signed with.

    `auth`: name and value of the header that every webhook asks for. `delay_ms` is what each
    answer takes, `work_ms` up to how much longer a workflow works before it records (at random,
    by `seed`). `as_list`: profiles come as a list of one, as n8n does when so configured.
    """

    def __init__(
        self,
        *,
        profiles: Mapping[str, Mapping[str, Any]] | Path | None = None,
        secret: str | None = None,
        auth: tuple[str, str] | None = None,
        delay_ms: float = 20,
        work_ms: float = 0,
        as_list: bool = False,
        seed: int = 0,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.profiles = Profiles(EXAMPLES if profiles is None else profiles)
        self.records = Records(now)
        self._secret = secret
        self._auth = auth
        self._delay_ms = delay_ms
        self._work_ms = work_ms
        self._as_list = as_list
        self._random = random.Random(seed)
        self._faults = FaultInjector(KINDS)
        self._running: set[asyncio.Task[WorkflowAnswer]] = set()
        self.profile_requests = 0

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_get("/healthz", _healthy)
        app.router.add_get("/sandbox/leads", self._show_leads)
        app.router.add_get("/sandbox/calls", self._show_calls)
        app.router.add_delete("/sandbox", self._forget)
        app.router.add_put("/sandbox/profiles/{agent_id}", self._put_profile)
        app.router.add_delete("/sandbox/profiles/{agent_id}", self._remove_profile)
        app.router.add_route("*", "/{kind:webhook|webhook-test}/{path:.*}", self._webhook)
        app.on_shutdown.append(self._finish_running)
        return app

    def settings(self) -> dict[str, float]:
        return {"SANDBOX_N8N_MS": self._delay_ms, "SANDBOX_N8N_WORK_MS": self._work_ms}

    def update_settings(self, settings: Mapping[str, Any]) -> None:
        """Takes what is its own, leaves the rest. Raises ValueError; then nothing changes."""
        delay = read_number(settings, "SANDBOX_N8N_MS", self._delay_ms)
        work = read_number(settings, "SANDBOX_N8N_WORK_MS", self._work_ms)
        self._delay_ms, self._work_ms = delay, work

    def faults(self) -> list[dict[str, Any]]:
        return self._faults.list()

    def set_faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        self._faults.set(faults)

    async def _webhook(self, request: web.Request) -> web.StreamResponse:
        path, method = request.match_info["path"].strip("/"), request.method
        fault = self._faults.pick(path)
        if fault and fault.kind in ("reset", "down"):
            return _cut(request)
        if request.match_info["kind"] == "webhook-test" or WEBHOOKS.get(path) != method:
            return _not_registered(path, method, known=path in WEBHOOKS)
        if fault and fault.kind == "not_registered":
            return _not_registered(path, method, known=False)
        refused = self._auth and request.headers.get(self._auth[0]) != self._auth[1]
        if refused or (fault and fault.kind == "403"):
            return web.Response(status=403, text="Authorization data is wrong!")
        if path == "agent-config":
            return await self._agent_config(request, fault)
        return await self._receive(request, path, fault)

    async def _agent_config(
        self, request: web.Request, fault: InjectedFault | None
    ) -> web.StreamResponse:
        self.profile_requests += 1
        slow = fault.ms if fault and fault.kind == "slow" else 0
        await asyncio.sleep((self._delay_ms + slow) / 1000)
        if fault and (broken := _broken(fault)):
            return broken
        agent_id = request.query.get("agent_id", "default")
        profile = self.profiles.get(agent_id)
        if profile is None:
            return web.json_response({"error": "unknown_agent", "agent_id": agent_id}, status=404)
        tag = {"ETag": etag(profile)}
        if request.headers.get("If-None-Match") == tag["ETag"]:
            return web.Response(status=304, headers=tag)
        return web.json_response([profile] if self._as_list else profile, headers=tag)

    async def _receive(
        self, request: web.Request, path: str, fault: InjectedFault | None
    ) -> web.StreamResponse:
        row = self.records.begin(path, {k.lower(): v for k, v in request.headers.items()})
        row.fault = fault.kind if fault else None
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return self._closed(row, web.json_response({"message": "too large"}, status=500))
        try:
            payload = json.loads(body)
        except ValueError:
            text = {"code": 422, "message": "Failed to parse request body"}
            return self._closed(row, web.json_response(text, status=422))
        work = asyncio.create_task(self._work(row, payload, body, fault))
        self._running.add(work)
        work.add_done_callback(self._running.discard)
        status, answer = await asyncio.shield(work)  # it goes on when the client hangs up
        if fault and fault.kind == "reset_after":
            return _cut(request)
        if fault and (broken := _broken(fault)):
            return broken
        response = web.json_response(answer, status=status)
        await response.prepare(request)
        await response.write_eof()
        if status == 200 and request.transport is not None and not request.transport.is_closing():
            self.records.acknowledge(row)
        return response

    async def _work(
        self, row: Received, payload: Any, body: bytes, fault: InjectedFault | None
    ) -> WorkflowAnswer:
        """The workflow from its first node to its last."""
        check: Check = check_lead if row.path == "lead-capture" else check_call
        data, errors = check(payload, row)
        if self._secret and (wrong := signature_fault(self._secret, row.headers, body)):
            errors = [wrong]
        if fault and fault.kind == "422":
            errors = ["rejected on demand"]
        duplicate = not errors and self.records.knows(row)
        slow = fault.ms if fault and fault.kind == "slow" else 0
        work = self._random.uniform(0, self._work_ms)
        await asyncio.sleep((self._delay_ms + work + slow) / 1000)
        if errors:
            answer = rejected(errors)
        else:
            if not duplicate and not (fault and _broken(fault)):
                self.records.record(row, data)
            answer = accepted(row, duplicate=duplicate)
        self.records.finish(row, answer[0])
        return answer

    def _closed(self, row: Received, response: web.Response) -> web.Response:
        self.records.finish(row, response.status)
        return response

    async def _show_leads(self, _: web.Request) -> web.Response:
        rows = [each for each in self.records.listing() if each["path"] == "lead-capture"]
        return web.json_response(
            {"leads": self.records.leads, "received": rows, "faults": self._faults.injected}
        )

    async def _show_calls(self, _: web.Request) -> web.Response:
        rows = [each for each in self.records.listing() if each["path"] == "call-ended"]
        return web.json_response({"calls": self.records.calls, "received": rows})

    async def _forget(self, _: web.Request) -> web.Response:
        self.records.clear()
        return web.Response(status=204)

    async def _put_profile(self, request: web.Request) -> web.Response:
        self.profiles.put(request.match_info["agent_id"], await request.json())
        return web.Response(status=204)

    async def _remove_profile(self, request: web.Request) -> web.Response:
        self.profiles.remove(request.match_info["agent_id"])
        return web.Response(status=204)

    async def idle(self) -> None:
        """Returns when no workflow is at work any more."""
        waiting: list[Awaitable[WorkflowAnswer]] = list(self._running)
        await asyncio.gather(*waiting, return_exceptions=True)

    async def _finish_running(self, _: web.Application) -> None:
        """As n8n does on SIGTERM: work in flight is finished."""
        await self.idle()


async def _healthy(_: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


def _broken(fault: InjectedFault) -> web.Response | None:
    """The answer of a workflow that did not get to its end."""
    match fault.kind:
        case "500":
            return web.json_response({"message": "Error in workflow"}, status=500)
        case "empty":
            return web.Response(status=200)
        case "started":
            return web.json_response({"message": "Workflow was started"})
        case "nonsense":
            return web.Response(text="<html>Bad gateway</html>", content_type="text/html")
        case _:
            return None


def _not_registered(path: str, method: str, *, known: bool) -> web.Response:
    if known:
        hint = f"Did you mean to make a {WEBHOOKS[path]} request?"
        message = f"This webhook is not registered for {method} requests. {hint}"
    else:
        message = f'The requested webhook "{method} {path}" is not registered.'
        hint = "The workflow must be active for a production URL to run successfully."
    return web.json_response({"code": 404, "message": message, "hint": hint}, status=404)


def _cut(request: web.Request) -> web.Response:
    cut_connection(request)
    return web.Response(status=500)
