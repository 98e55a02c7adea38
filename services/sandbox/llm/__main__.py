"""python -m services.sandbox.llm [--port N]: the scripted LLM alone, at /v1."""

import argparse
import asyncio

from services.sandbox.llm import LlmStandIn
from services.sandbox.serve import serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.sandbox.llm", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    arguments = parser.parse_args()
    asyncio.run(serve(LlmStandIn().app(), arguments.port))


if __name__ == "__main__":
    main()
