"""Runs a simulator and a backfill from it in one network: `python inside_network.py STATE DATASET OPTION...`."""

import os
import subprocess
import sys

from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator


def main() -> int:
    """Return how the backfill ended; its status in JSON is on stdout."""
    state, dataset, *options = sys.argv[1:]
    with Simulator(SimSettings(records=45, style=Style.SMALL, rate_public=None, rate_article=None)) as sim:
        environment = {
            **os.environ,
            "GENESYS_CLIENT_ID": sim.settings.client_id,
            "GENESYS_CLIENT_SECRET": sim.settings.client_secret,
            "GENESYS_API_URL": sim.url,
            "RESUMABLE_STATE": state,
        }
        command = [sys.executable, "-m", "resumable", "backfill", dataset, *options, "--json"]
        return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
