"""Has the work of an export done as tasks of Ray, which runs again what was lost with a worker or a node."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import ray
from ray.exceptions import RayError, RayTaskError

from resumable.errors import ResumableError, StorageFailed
from resumable.export.spread import Crew, on_this_machine
from resumable.fleet.ray_engine import started

TRIES_AGAIN: Final = 3
"""How often a task whose worker was lost is run again."""


class RayWorkers:
    """The workers of a Ray cluster."""

    def call(self, function: Callable[..., Any], *arguments: Any, returns: int = 1) -> Sequence[Any]:  # noqa: ANN401 - of any function
        """Have a function called by a worker that has a core for it."""
        made = ray.remote(num_cpus=1, max_retries=TRIES_AGAIN, num_returns=returns)(_outcome)
        found = made.remote(function, returns, *arguments)
        return [found] if returns == 1 else found

    def result(self, promised: Any) -> Any:  # noqa: ANN401 - of any function
        """Wait for a result. Raises what the function raised."""
        try:
            return ray.get(promised)
        except RayTaskError as failure:
            if isinstance(failure.cause, ResumableError):
                raise failure.cause from None
            raise
        except RayError as failure:
            raise StorageFailed(
                f"a worker of the engine is gone, and so are those that replaced it ({type(failure).__name__}).",
                hint="Run the same command again.",
            ) from None


def _outcome(function: Callable[..., list[Any]], returns: int, *arguments: Any) -> Any:  # noqa: ANN401 - of any function
    found = function(*arguments)
    return found[0] if returns == 1 else found


@contextlib.contextmanager
def crew(address: str | None) -> Iterator[Crew]:
    """Start Ray on this machine, or join the cluster at an address. Raises StorageFailed where that fails."""
    with started(address):
        count = max(1, int(ray.cluster_resources().get("CPU", 1)))
        yield Crew(workers=RayWorkers(), count=count, opened=on_this_machine)
