"""What N8N answers, read as it is meant."""

import json
from typing import Any


def read_json(body: str | bytes) -> Any:
    """The JSON of an answer; None for what is none.

    The only item of a list stands for the list: n8n answers so when its Respond node gives all
    items.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):  # the second for ten thousand brackets
        return None
    return value[0] if isinstance(value, list) and len(value) == 1 else value
