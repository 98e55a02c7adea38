"""Changes as an agent's tools make them."""

from typing import Any

from shared.leads import LeadChange


def change(field: str, value: Any, sequence: int = 1, attempt: int = 1, **more: Any) -> LeadChange:
    return LeadChange(field=field, value=value, sequence=sequence, attempt=attempt, **more)
