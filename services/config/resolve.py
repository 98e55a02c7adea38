"""What an agent's record becomes when N8N, or the lack of one, has answered. No input or output.

Never somebody else's profile: the built-in agent stands in for `default` only when N8N is not used
or says that it has none, not when N8N cannot be asked.
"""

from dataclasses import dataclass

from services.config.fetch_result import Failed, FetchResult, Found, Unchanged, Unknown
from shared.profiles import version
from shared.profiles.record import Origin, ProfileRecord

# How long "there is no such agent" is remembered, and how soon a failed fetch is tried again.
# Short: somebody is at work on the other side. Not zero: a busy page must not hammer a dead N8N.
UNKNOWN_MS = 5_000
RETRY_MS = 3_000


@dataclass(frozen=True, slots=True)
class Local:
    """What can be had without N8N: from the operator's folder, and the built-in profile."""

    file: Found | Unknown | Failed
    builtin: Found | Unknown


def resolve(
    before: ProfileRecord, answer: FetchResult | None, local: Local, *, now_ms: int, ttl_ms: int
) -> ProfileRecord:
    """The record after a fetch; `answer` is N8N's, None when no N8N is configured."""
    clean = before.model_copy(
        update={
            "refreshing_until_ms": 0,
            "unknown_until_ms": 0,
            "failed_until_ms": 0,
            "passing": False,
            "fault": "",
        }
    )
    match answer:
        case None:
            return _without_n8n(clean, local, now_ms, ttl_ms)
        case Found():
            return _take(clean, answer, "n8n", now_ms, now_ms + ttl_ms)
        case Unchanged():
            return clean.model_copy(
                update={"fetched_ms": now_ms, "fresh_until_ms": now_ms + ttl_ms}
            )
        case Unknown():
            return _unknown_to_n8n(clean, local, now_ms, ttl_ms)
        case Failed():
            return _failed(clean, answer, local, now_ms)


def _take(
    record: ProfileRecord, found: Found, origin: Origin, now_ms: int, fresh_until_ms: int
) -> ProfileRecord:
    return record.model_copy(
        update={
            "profile": found.profile,
            "version": version(found.profile),
            "origin": origin,
            # Without one N8N gives the whole profile again, and we say again what is left out.
            "etag": "" if found.left_out else found.etag,
            "fetched_ms": now_ms,
            "fresh_until_ms": fresh_until_ms,
            "fault": found.left_out,
        }
    )


def _without_n8n(record: ProfileRecord, local: Local, now_ms: int, ttl_ms: int) -> ProfileRecord:
    if isinstance(local.file, Failed):
        return _keep(record, local.file, now_ms)
    if isinstance(local.file, Found):
        return _take(record, local.file, "file", now_ms, now_ms + ttl_ms)
    if isinstance(local.builtin, Found):
        return _take(record, local.builtin, "builtin", now_ms, now_ms + ttl_ms)
    return _gone(record, now_ms)


def _unknown_to_n8n(record: ProfileRecord, local: Local, now_ms: int, ttl_ms: int) -> ProfileRecord:
    """N8N has no such agent. One that it gave before has been deleted there: then it is gone."""
    if record.origin == "n8n":
        return _gone(record, now_ms)
    return _without_n8n(record, local, now_ms, ttl_ms)


def _failed(record: ProfileRecord, failure: Failed, local: Local, now_ms: int) -> ProfileRecord:
    """N8N cannot be asked, or what it says is wrong: the last good profile, else a file."""
    if record.profile is None and record.origin != "n8n" and isinstance(local.file, Found):
        record = _take(record, local.file, "file", now_ms, now_ms)
    return _keep(record, failure, now_ms)


def _keep(record: ProfileRecord, failure: Failed, now_ms: int) -> ProfileRecord:
    retry_ms = now_ms + RETRY_MS
    when = {"fresh_until_ms" if record.profile else "failed_until_ms": retry_ms}
    return record.model_copy(update={"fault": failure.reason, "passing": failure.passing, **when})


def _gone(record: ProfileRecord, now_ms: int) -> ProfileRecord:
    """No such agent. The origin stays, so that a file never stands in for a deleted agent."""
    return record.model_copy(
        update={
            "profile": None,
            "version": "",
            "etag": "",
            "fresh_until_ms": 0,
            "unknown_until_ms": now_ms + UNKNOWN_MS,
        }
    )
