"""The profile that comes with Bolchaal: a real-estate lead agent, in every language.

It serves as `default` when neither N8N nor the operator's folder has an agent of that id.
"""

import json
from functools import cache
from pathlib import Path

from shared.profiles.model import Profile

DEFAULT_ID = "default"


@cache
def default_profile() -> Profile:
    """The built-in agent, from default.json beside this file."""
    text = (Path(__file__).parent / "default.json").read_text(encoding="utf-8")
    return Profile.model_validate(json.loads(text))
