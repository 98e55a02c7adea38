"""The screens on which pages are looked at: one telephone always, all of them in the full tests."""

from typing import Any, TypeAlias

import pytest
from playwright.async_api import Page

Screen: TypeAlias = dict[str, Any]

_WIDTHS, _SCHEMES = (320, 360, 1440), ("light", "dark")
_ALWAYS = (360, "dark")

SCREENS = [
    pytest.param(
        {"viewport": {"width": width, "height": 640}, "color_scheme": scheme},
        id=f"{width}-{scheme}",
        marks=() if (width, scheme) == _ALWAYS else pytest.mark.full,
    )
    for width in _WIDTHS
    for scheme in _SCHEMES
]


async def too_wide(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    pixels: int = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return pixels
