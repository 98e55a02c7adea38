"""Profiles: what stays valid from before, keys, translations, and who waits for whom."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import ValidationError
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import ResponseError

from shared.errors import NotFound, Unavailable
from shared.events import ProfileWanted
from shared.locales.model import UNKNOWN
from shared.locales.registry import LANGUAGES
from shared.profiles import Profile, ProfileReader, default_profile, version
from shared.profiles.record import ProfileRecord, announce, write
from shared.redis import keys
from shared.redis.client import now_ms
from tests.waiting import until


def test_an_empty_object_is_a_profile() -> None:
    """The predecessor's fields are all optional."""
    assert Profile.model_validate({}).required() == ("name", "phone")


def test_plain_questions_get_numbered_keys() -> None:
    profile = Profile.model_validate(
        {"qualification_questions": ["Budget?", {"key": "area", "question": "Where?"}, "When?"]}
    )
    assert [question.key for question in profile.questions()] == ["q1", "area", "q3"]
    assert profile.required() == ("name", "phone", "q1", "area", "q3")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("language", "fr-FR"),
        ("qualification_questions", "none"),
        ("qualification_questions", [{"key": "Bad Key", "question": "x"}]),
        ("translations", {"unknown": {}}),
        ("greeting", 7),
    ],
)
def test_wrong_types_name_the_field(field: str, value: object) -> None:
    """The operator must learn which field of the workflow's answer is wrong."""
    with pytest.raises(ValidationError) as caught:
        Profile.model_validate({field: value})
    assert caught.value.errors()[0]["loc"][0] == field


@pytest.mark.parametrize("code", [code for code in LANGUAGES if code != UNKNOWN])
def test_the_builtin_agent_speaks_every_language(code: str) -> None:
    """Picking Odia must not get a Hindi greeting."""
    localised = default_profile().localised(code)
    assert localised.greeting
    block = LANGUAGES[code].block
    spoken = [localised.greeting, *(question.question for question in localised.questions)]
    for text in spoken:
        letters = [letter for letter in text if letter.isalpha()]
        if block:
            assert all(block[0] <= ord(letter) <= block[1] for letter in letters), text
        else:
            assert text.isascii()
    keys = [question.key for question in localised.questions]
    assert keys == [question.key for question in default_profile().questions()]


def test_without_a_translation_the_model_greets_by_itself() -> None:
    profile = Profile(language="hi-IN", greeting="नमस्ते", qualification_questions=("बजट?",))
    assert profile.localised("ta-IN").greeting is None
    assert profile.localised("hi-IN").greeting == "नमस्ते"
    assert profile.localised(UNKNOWN).greeting == "नमस्ते"
    assert profile.localised("ta-IN").questions[0].question == "बजट?"


def test_equal_profiles_have_equal_versions() -> None:
    assert version(Profile(id="a")) == version(Profile.model_validate({"id": "a", "new": 1}))
    assert version(Profile(id="a")) != version(Profile(id="b"))


class Config:
    """Stands for the config service: writes what the test says when a wish comes."""

    def __init__(self, redis: Redis) -> None:
        self.redis = redis
        self.wishes: list[ProfileWanted] = []
        self.answer: ProfileRecord | None = None

    async def wish(self, wanted: ProfileWanted) -> None:
        self.wishes.append(wanted)
        if self.answer is not None:
            await write(self.redis, wanted.agent_id, self.answer)
            await announce(self.redis, wanted.agent_id, self.answer.version)


@pytest.fixture
def config(redis: Redis) -> Config:
    return Config(redis)


@pytest.fixture
async def reader(redis: Redis, config: Config) -> AsyncIterator[ProfileReader]:
    async with ProfileReader(redis, config.wish, timeout=0.3) as reader:
        yield reader


async def record(redis: Redis, name: str, fresh_for_ms: int = 60_000) -> ProfileRecord:
    profile = Profile(id="clinic", name=name)
    return ProfileRecord(
        profile=profile,
        version=version(profile),
        origin="n8n",
        fresh_until_ms=await now_ms(redis) + fresh_for_ms,
    )


async def test_a_missing_profile_is_wished_for_and_waited_for(
    reader: ProfileReader, config: Config, redis: Redis
) -> None:
    config.answer = await record(redis, "Clinic")
    assert (await reader.get("clinic")).profile.name == "Clinic"
    assert (await reader.get("clinic")).profile.name == "Clinic"
    assert len(config.wishes) == 1  # the second one came from memory


async def test_a_stale_profile_serves_at_once_and_is_refreshed_behind(
    reader: ProfileReader, config: Config, redis: Redis
) -> None:
    """A caller must never wait for N8N because a profile is five minutes old."""
    await write(redis, "clinic", await record(redis, "Old", fresh_for_ms=-1))
    assert (await reader.get("clinic")).profile.name == "Old"

    async def wished() -> bool:
        return len(config.wishes) == 1

    await until(wished)


async def test_a_stale_profile_serves_though_nobody_can_be_asked(redis: Redis) -> None:
    """With Redis full, calls would be refused though the profile lies there."""

    async def refuse(_: ProfileWanted) -> None:
        raise Unavailable("Redis is full", retry_after=1)

    await write(redis, "clinic", await record(redis, "Old", fresh_for_ms=-1))
    async with ProfileReader(redis, refuse, timeout=0.3) as reader:
        assert (await reader.get("clinic")).profile.name == "Old"


async def test_a_command_that_swallows_its_cancellation_holds_nobody_up(redis: Redis) -> None:
    """redis-py does so now and then: whoever opened a call then would wait for ever."""
    cancelled = asyncio.Event()

    async def swallow(_: ProfileWanted) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()

    async with asyncio.timeout(10), ProfileReader(redis, swallow, timeout=0.05) as reader:
        with pytest.raises(Unavailable):
            await reader.get("clinic")
        assert not cancelled.is_set()


async def test_notices_are_heard_again_after_an_odd_answer(
    redis: Redis, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After one refused SUBSCRIBE each new agent's caller would wait for the time-out."""
    subscribe = PubSub.subscribe
    answers = [ResponseError("NOPERM this user has no permissions to access the channel")]

    async def refused_once(self: PubSub, *channels: str) -> None:
        if answers:
            raise answers.pop()
        await subscribe(self, *channels)

    monkeypatch.setattr(PubSub, "subscribe", refused_once)
    config.answer = await record(redis, "Clinic")
    async with ProfileReader(redis, config.wish, timeout=10) as reader:
        assert (await reader.get("clinic")).profile.name == "Clinic"
    assert not answers


async def test_what_was_missed_while_the_connection_was_lost_is_read_anew(
    reader: ProfileReader, redis: Redis
) -> None:
    """For half a minute after Redis was away, callers would get an agent of yesterday."""
    await write(redis, "clinic", await record(redis, "Old"))
    assert (await reader.get("clinic")).profile.name == "Old"
    await until(lambda: subscribers(redis))
    await write(redis, "clinic", await record(redis, "New"))  # without a notice
    await redis.client_kill_filter(_type="pubsub")

    async def renewed() -> bool:
        return (await reader.get("clinic")).profile.name == "New"

    await until(renewed)


async def subscribers(redis: Redis) -> bool:
    [(_, count)] = await redis.pubsub_numsub(keys.PROFILE_NOTICES)
    return bool(count)


async def test_nobody_answers(reader: ProfileReader) -> None:
    """Never somebody else's profile: the caller is told to come back."""
    with pytest.raises(Unavailable) as caught:
        await reader.get("clinic")
    assert caught.value.retry_after > 0


async def test_who_waited_in_vain_leaves_nothing_behind(reader: ProfileReader) -> None:
    """Made-up agent ids, asked for one after another, must not fill the gateway's memory."""
    for agent_id in ("a", "b"):
        with pytest.raises(Unavailable):
            await reader.get(agent_id)
    assert reader._waiting == {}


async def test_all_who_wait_for_a_profile_get_it(
    reader: ProfileReader, config: Config, redis: Redis
) -> None:
    """Two callers of an agent that was never asked for: neither may wait for the time-out."""
    clinic = await record(redis, "Clinic")
    first = asyncio.create_task(reader.get("clinic"))
    second = asyncio.create_task(reader.get("clinic"))

    async def both_wait() -> bool:
        return len(config.wishes) == 2

    await until(both_wait)
    await write(redis, "clinic", clinic)
    await announce(redis, "clinic", clinic.version)
    found = await asyncio.wait_for(asyncio.gather(first, second), 5)
    assert [snapshot.profile.name for snapshot in found] == ["Clinic", "Clinic"]


async def test_an_unknown_agent_is_not_found_without_asking_again(
    reader: ProfileReader, config: Config, redis: Redis
) -> None:
    await write(redis, "x", ProfileRecord(unknown_until_ms=await now_ms(redis) + 60_000))
    with pytest.raises(NotFound):
        await reader.get("x")
    assert config.wishes == []


async def test_invalidation_fetches_and_every_reader_sees_it(
    reader: ProfileReader, config: Config, redis: Redis
) -> None:
    """An operator who changed the greeting hears it in the next call."""
    await write(redis, "clinic", await record(redis, "Old"))
    async with ProfileReader(redis, config.wish, timeout=1) as other:
        assert (await other.get("clinic")).profile.name == "Old"
        assert (await reader.get("clinic")).profile.name == "Old"
        config.answer = await record(redis, "New")
        await reader.invalidate()
        assert config.wishes[-1].fresh
        assert (await reader.get("clinic")).profile.name == "New"

        async def renewed() -> bool:
            return (await other.get("clinic")).profile.name == "New"

        await until(renewed)
