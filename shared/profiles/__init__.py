"""Agent profiles: their shape, the built-in one, and how services read them."""

from shared.profiles.builtin import DEFAULT_ID as DEFAULT_ID, default_profile as default_profile
from shared.profiles.model import (
    Profile as Profile,
    Question as Question,
    version as version,
)
from shared.profiles.reader import ProfileReader as ProfileReader, Snapshot as Snapshot
