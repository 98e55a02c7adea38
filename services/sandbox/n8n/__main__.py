"""python -m services.sandbox.n8n [--port N] [--profiles DIR]: N8N's stand-in alone."""

import argparse
import asyncio
import json
from pathlib import Path

from services.sandbox.n8n import N8nStandIn
from services.sandbox.serve import serve


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m services.sandbox.n8n", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free one")
    parser.add_argument("--profiles", type=Path, help="a folder of ID.json")
    parser.add_argument("--secret", help="whsec_...: leads must be signed with it")
    parser.add_argument("--delay-ms", type=float, default=20, help="what each answer takes")
    parser.add_argument("--work-ms", type=float, default=0, help="longest further work, at random")
    parser.add_argument("--faults", type=json.loads, default=[], help="a JSON list of faults")
    parser.add_argument("--seed", type=int, default=0, help="of the random work")
    arguments = parser.parse_args()
    n8n = N8nStandIn(
        profiles=arguments.profiles,
        secret=arguments.secret,
        delay_ms=arguments.delay_ms,
        work_ms=arguments.work_ms,
        seed=arguments.seed,
    )
    n8n.set_faults(arguments.faults)
    asyncio.run(serve(n8n.app(), arguments.port))


if __name__ == "__main__":
    main()
