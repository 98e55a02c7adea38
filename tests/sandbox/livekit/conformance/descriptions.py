"""Session descriptions, cut down to what a recording keeps of them."""

import re
from typing import Any

Section = dict[str, Any]
"""kind, mid, direction, setup, msid, ssrc_lines, candidates (whether there are any); from a full
recording also codecs, ext, sctp-port and max-message-size."""

_DIRECTIONS = ("sendonly", "recvonly", "sendrecv", "inactive")


def summarise(sdp: str) -> list[Section]:
    """The media sections of a description as it stood on the wire."""
    return [_section(part) for part in re.split(r"(?m)^(?=m=)", sdp)[1:]]


def _section(text: str) -> Section:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    attributes: dict[str, list[str]] = {}
    for line in lines[1:]:
        if line.startswith("a="):
            name, _, value = line[2:].partition(":")
            attributes.setdefault(name, []).append(value)
    section: Section = {
        "kind": lines[0][2:].split()[0],
        "mid": attributes.get("mid", [""])[0],
        "direction": next((d for d in _DIRECTIONS if d in attributes), "sendrecv"),
        "setup": attributes.get("setup", [""])[0],
        "msid": attributes.get("msid", [""])[0],
        "ssrc_lines": len(attributes.get("ssrc", [])),
        "candidates": "candidate" in attributes,
        "ext": sorted(_extension(value) for value in attributes.get("extmap", [])),
        "codecs": _codecs(attributes),
    }
    for name in ("sctp-port", "max-message-size"):
        if name in attributes:
            section[name] = attributes[name][0]
    return section


def _extension(value: str) -> str:
    return re.split(r"[/:]", value.split()[1])[-1]


def _codecs(attributes: dict[str, list[str]]) -> list[str]:
    parameters = dict(value.split(" ", 1) for value in attributes.get("fmtp", []))
    maps = [value.split(" ", 1) for value in attributes.get("rtpmap", [])]
    return [" ".join(filter(None, (number, name, parameters.get(number)))) for number, name in maps]


def recorded(summary: dict[str, Any]) -> list[Section]:
    """The sections of a recorded summary, full or slim, with what is "like" another filled in."""
    media = summary["media"]
    sections = [_slim(item) if isinstance(item, str) else dict(item) for item in media]
    by_mid = {section["mid"]: section for section in sections}
    last: dict[str, Section] = {}
    for section in sections:
        if (like := section.pop("like_mid", None)) is not None:
            for key, value in by_mid[like].items():
                if key not in ("msid", "ssrc_lines", "candidates"):
                    section.setdefault(key, value)
        section.setdefault("setup", last.get(section["kind"], {}).get("setup", ""))
        section.setdefault("msid", "")
        section.setdefault("ssrc_lines", 0)
        section["candidates"] = bool(section.get("candidates"))
        last[section["kind"]] = section
    return [_known(section) for section in sections]


def _slim(text: str) -> Section:
    """Such as "audio mid=0 sendonly setup=active msid=<PA_1>|<TR_1> <TR_1> ssrc_lines=4"."""
    hit = re.fullmatch(
        r"(?P<kind>\w+) mid=(?P<mid>\w+)(?: (?P<direction>sendonly|recvonly|sendrecv|inactive))?"
        r"(?: setup=(?P<setup>\w+))?(?: msid=(?P<msid>\S+ \S+))?"
        r"(?: ssrc_lines=(?P<ssrc_lines>\d+))?(?: cands=(?P<candidates>\d+))?",
        text,
    )
    assert hit, f"not a section: {text}"
    section: Section = {key: value for key, value in hit.groupdict().items() if value is not None}
    section.setdefault("direction", "sendrecv")
    section["ssrc_lines"] = int(section.get("ssrc_lines", 0))
    return section


def _known(section: Section) -> Section:
    keys = ["kind", "mid", "direction", "setup", "msid", "ssrc_lines", "candidates"]
    if section["kind"] == "audio" and "codecs" in section:
        keys += ["codecs", "ext"]
        section["ext"] = sorted(section["ext"])
    if section["kind"] == "application":
        keys += ["sctp-port", "max-message-size"]
    return {key: section[key] for key in keys if key in section}
