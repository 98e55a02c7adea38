"""What a chaos run does: which leads are said when, and what is killed. All from the seed."""

import random
import uuid
from dataclasses import dataclass

from shared.leads import LeadChange, LeadContext

NAMESPACE = uuid.UUID("6f0c7a5e-3d0b-4b1e-9a52-0d1d0c7b6a11")
VICTIMS = ("publisher", "replica", "redis")
LEAST_KILLS = 12  # ten are asked for; a victim may have died by itself a moment before
PUBLISHERS = 2
REPLICAS = 3

# 30 % of the posts meet one of these. `slow` is beyond LEAD_TIMEOUT and under the grace.
FAULTS = (
    {"kind": "500", "ratio": 0.06},
    {"kind": "slow", "ratio": 0.045, "ms": 1_400},
    {"kind": "slow", "ratio": 0.015, "ms": 600},
    {"kind": "not_registered", "ratio": 0.06},
    {"kind": "reset", "ratio": 0.04},
    {"kind": "reset_after", "ratio": 0.04},
    {"kind": "empty", "ratio": 0.07},
)


@dataclass(frozen=True)
class Script:
    """What the caller of lead `number` says. Each step is saved before the next one is said."""

    number: int
    context: LeadContext
    steps: tuple[tuple[str, str], ...]
    hangs_up: bool  # before there is a phone number: a partial lead

    def changes(self, step: int, attempt: int) -> list[LeadChange]:
        field, value = self.steps[step]
        return [LeadChange(field=field, value=value, attempt=attempt, sequence=step + 1)]

    @property
    def values(self) -> dict[str, str]:
        """What must have arrived in the end."""
        return dict(self.steps)


def script(seed: int, number: int) -> Script:
    """One caller in twenty hangs up early, three in ten correct themselves."""
    dice = random.Random(f"{seed}.{number}")
    lead_id, call_id = (str(uuid.uuid5(NAMESPACE, f"{seed}.{number}.{of}")) for of in "lc")
    steps = [("name", f"Caller {number}")]
    hangs_up = dice.random() < 0.05
    if not hangs_up:
        steps.append(("phone", f"+91{9_000_000_000 + number}"))
        if dice.random() < 0.3:
            steps.append(("name", f"Caller {number} Rao"))
    context = LeadContext(
        lead_id=lead_id,
        call_id=call_id,
        room=f"room-{number}",
        channel="web",
        caller=None,
        account="default",
        agent_id="default",
        profile_version="chaos",
        language="hi-IN",
        required=("name", "phone"),
    )
    return Script(number, context, tuple(steps), hangs_up)


@dataclass(frozen=True)
class Plan:
    """`rate` is leads a second over all publishers. Moments are seconds from the start."""

    leads: int
    seed: int
    rate: float
    kills: tuple[tuple[float, str], ...]
    down_at: float
    down_for: float


def plan(leads: int, seed: int, *, down_for: float, rate: float = 120.0) -> Plan:
    """Kills at random moments while leads are said; N8N is away for a while in the middle."""
    dice = random.Random(seed)
    seconds = max(12.0, leads / rate)
    count = max(LEAST_KILLS, round(seconds / 4))
    moments = sorted(dice.uniform(1.0, seconds) for _ in range(count))
    victims = [VICTIMS[place % len(VICTIMS)] for place in range(count)]
    dice.shuffle(victims)
    return Plan(
        leads=leads,
        seed=seed,
        rate=leads / seconds,
        kills=tuple(zip(moments, victims, strict=True)),
        down_at=seconds / 3,
        down_for=down_for,
    )
