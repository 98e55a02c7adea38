"""Agent profiles: their shape, the built-in one, and how services read them."""

from shared.profiles.builtin import DEFAULT_ID, default_profile
from shared.profiles.model import LeadField, Localised, Profile, Question, Translation, version
from shared.profiles.reader import ProfileReader, Snapshot

__all__ = [
    "DEFAULT_ID",
    "LeadField",
    "Localised",
    "Profile",
    "ProfileReader",
    "Question",
    "Snapshot",
    "Translation",
    "default_profile",
    "version",
]
