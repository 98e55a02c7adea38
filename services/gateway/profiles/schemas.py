"""Profiles, languages and voices in the API: bodies of answers."""

from typing import Literal

from pydantic import BaseModel


class LanguageOption(BaseModel):
    code: str
    name: str


class VoiceOption(BaseModel):
    id: str
    name: str


class LanguagesAnswer(BaseModel):
    languages: list[LanguageOption]
    voices: list[VoiceOption]


class InvalidateAnswer(BaseModel):
    """`agent_id` is "all" when none was named."""

    status: Literal["invalidated"] = "invalidated"
    agent_id: str
