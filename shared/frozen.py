"""The base of what is read from JSON or written as JSON: pydantic checks it, and nobody changes it.

What never leaves a process is a frozen dataclass, or a NamedTuple.
"""

from pydantic import BaseModel, ConfigDict


class FrozenModel(BaseModel):
    """Fields of a newer version are ignored: old replicas run beside new ones."""

    model_config = ConfigDict(frozen=True, extra="ignore")
