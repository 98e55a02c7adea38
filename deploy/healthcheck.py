"""Asks a service whether it can do its work: exit code 0 or 1, for Docker's HEALTHCHECK.

    python healthcheck.py NAME      NAME is the variable that holds the port: HEALTH_PORT, WEB_PORT

Standard library only, and quick to start: it runs every few seconds in every container.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

PORTS = {"HEALTH_PORT": 8080, "WEB_PORT": 3000}
TIMEOUT = 4  # seconds, below the time-out of the health check that calls this


def main(name: str) -> int:
    port = int(os.environ.get(name) or PORTS[name])
    connection = HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read(2000).decode("utf-8", "replace")
    except (OSError, HTTPException) as error:
        sys.stdout.write(f"nobody answers on port {port}: {error}\n")
        return 1
    finally:
        connection.close()
    sys.stdout.write(f"{response.status} {body}\n")
    return 0 if response.status == 200 else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
