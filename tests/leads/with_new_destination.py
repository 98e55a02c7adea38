"""python -m tests.leads.with_new_destination MODULE ARGUMENTS: runs the module as if the files of
new_destination/ lay in services/leads/destinations/.
"""

import runpy
import sys
from pathlib import Path

from services.leads import destinations

if __name__ == "__main__":
    destinations.__path__.append(str(Path(__file__).parent / "new_destination"))
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
