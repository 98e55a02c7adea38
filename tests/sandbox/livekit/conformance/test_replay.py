"""Our development server plays the recordings of a real one, and must say the same."""

import pytest

from tests.sandbox.livekit.conformance.conftest import Replays
from tests.sandbox.livekit.conformance.flows import FLOWS

pytestmark = pytest.mark.asyncio(loop_scope="session")


_MARKS = {
    # 20 s and more, as they were recorded; all others run beside each other within that time.
    **dict.fromkeys(("a1", "b2", "c4", "c5", "c8", "c9", "d2", "e1"), (pytest.mark.full,)),
    "g1": (pytest.mark.browser,),
    "g3": (pytest.mark.browser, pytest.mark.full),  # two browsers at once delay all the others
}
_NAMES = [pytest.param(name, marks=_MARKS.get(name, ())) for name in FLOWS]


@pytest.mark.parametrize("name", _NAMES)
async def test_the_server_says_what_a_real_one_said(name: str, replays: Replays) -> None:
    """Code that passes every test here would break, or hang, against a real LiveKit."""
    differences = await replays.differences(name)
    assert not differences, "\n" + "\n".join(differences)
