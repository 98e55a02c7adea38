"""Faults that the stand-ins make on demand, at random but repeatably."""

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class InjectedFault(BaseModel):
    """One fault.

    `ratio` of the requests meet it, `count` of them at most (None: no limit), only those of
    `path` (None: all). `ms` is the delay of slow ones. `seed` makes the choice repeatable.
    """

    model_config = ConfigDict(extra="forbid")

    kind: str
    ratio: float = Field(1.0, ge=0, le=1)
    count: int | None = Field(None, ge=0)
    path: str | None = None
    ms: float = Field(5_000, ge=0)
    seed: int = 0


class FaultInjector:
    """The faults of one stand-in; `kinds` are those that it knows; `injected` counts the
    requests that met one.

    `model` is what it says of a fault.
    """

    def __init__(self, kinds: Sequence[str], model: type[InjectedFault] = InjectedFault) -> None:
        self._kinds = kinds
        self._model = model
        self._active: list[tuple[InjectedFault, random.Random]] = []
        self.injected = 0

    def set(self, faults: Iterable[Mapping[str, Any]]) -> None:
        """Replaces all faults. Raises ValueError, naming what is wrong; then nothing changes."""
        wanted = []
        for each in faults:
            try:
                fault = self._model.model_validate(dict(each))
            except ValidationError as error:
                first = error.errors()[0]
                raise ValueError(
                    f"fault {'.'.join(map(str, first['loc']))}: {first['msg']}"
                ) from None
            if fault.kind not in self._kinds:
                raise ValueError(f"fault kind {fault.kind!r}: one of {', '.join(self._kinds)}")
            wanted.append((fault, random.Random(fault.seed)))
        self._active = wanted

    def list(self) -> list[dict[str, Any]]:
        return [fault.model_dump() for fault, _ in self._active]

    def pick(
        self, path: str | None = None, kinds: Collection[str] | None = None
    ) -> InjectedFault | None:
        """The fault that this request meets, if any; counts it.

        `kinds` narrows it to those that can happen at this moment (None: any).
        """
        for fault, rng in self._active:
            if fault.count == 0 or fault.path not in (None, path):
                continue
            if kinds is not None and fault.kind not in kinds:
                continue
            if rng.random() < fault.ratio:
                if fault.count is not None:
                    fault.count -= 1
                self.injected += 1
                return fault
        return None
