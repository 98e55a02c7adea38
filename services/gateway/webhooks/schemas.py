"""What others post to us and are answered."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from services.gateway.printable import Printable


class LiveKitAnswer(BaseModel):
    """`duplicate`: the event came before, and changed nothing this time."""

    status: Literal["ok", "duplicate"]


class ProfileChanged(BaseModel):
    """N8N says that a profile is new."""

    agent_id: Annotated[Printable, Field(min_length=1, max_length=64)]


class ProfileChangedAnswer(BaseModel):
    status: Literal["accepted"] = "accepted"
    agent_id: str
    duplicate: bool
