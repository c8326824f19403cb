"""A wall clock that a test can set for one process, while that runs; the machine's own is never touched."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support import machine

SOURCE = Path(__file__).parent / "clockshim.c"


@dataclass(frozen=True, kw_only=True)
class Shim:
    """A library that moves the wall clock of what it is preloaded into."""

    library: Path
    offset: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs in its environment."""
        return {"LD_PRELOAD": str(self.library), "CLOCK_OFFSET_FILE": str(self.offset)}

    def jump(self, seconds: int) -> None:
        """Set the clock so many seconds from the right time, from now on."""
        other = self.offset.with_suffix(".new")
        other.write_text(f"{seconds}\n")
        os.replace(other, self.offset)


def build(folder: Path) -> Shim:
    """Compile the shim, and see that it works. Skips the test where there is no compiler."""
    machine.need("cc")
    library = folder / "clockshim.so"
    subprocess.run(
        ["cc", "-O1", "-Wall", "-Werror", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl"], check=True
    )
    shim = Shim(library=library, offset=folder / "offset")
    shim.jump(0)
    before = _moment(shim)
    shim.jump(86_400)
    assert 86_400 <= _moment(shim) - before < 86_460, "the shim moves no clock"
    shim.jump(0)
    return shim


def _moment(shim: Shim) -> float:
    code = "import time, datetime; print(datetime.datetime.now().timestamp())"
    environment = {"PATH": os.environ["PATH"], **shim.environment}
    return float(subprocess.run([sys.executable, "-c", code], env=environment, check=True, capture_output=True).stdout)
