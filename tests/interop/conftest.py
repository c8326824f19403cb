"""The SDK, imported once a process, and Prism in front of a simulator, started once a process."""

from collections.abc import Iterator
from types import ModuleType

import pytest

from resumable.simulator.json_values import Json
from resumable.simulator.simulator import Simulator
from tests.interop.prism import Stand
from tests.interop.sdk import Connect, hang_up, load, login


@pytest.fixture(scope="session")
def sdk(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """Import the SDK, which takes two seconds; without it the test is skipped."""
    return load(tmp_path_factory.mktemp("home"))


@pytest.fixture
def connect(sdk: ModuleType) -> Iterator[Connect]:
    """Make clients that have a token, and close their connections in the end."""
    made: list[Json] = []

    def connected(sim: Simulator) -> Json:
        made.append(login(sdk, sim))
        return made[-1]

    yield connected
    for client in made:
        hang_up(client)


@pytest.fixture(scope="session")
def prism_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Start a simulator and Prism in front of it, which takes two seconds; without Prism the test is skipped."""
    with Stand.set_up(tmp_path_factory.mktemp("prism")) as stand:
        yield stand


@pytest.fixture
def stand(prism_process: Stand) -> Stand:
    """Return the simulator behind Prism as if it had just been started."""
    prism_process.clear()
    return prism_process
