"""The command `resumable`, also as `python -m resumable`."""

import contextlib
import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line and leave with its exit code."""
    _keep_standard_streams()
    # Arrow's own allocator holds on to what each thread once needed: 198 MB at the peak, and 140 with the system's.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    try:
        # Imported in here, so that Ctrl-C while Python still loads ends without a traceback too.
        from resumable.cli.main import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
        with contextlib.suppress(OSError, ValueError):
            print("interrupted: nothing was changed. Run the same command again.   exit 130", file=sys.stderr)
    sys.exit(_flushed(code))


def _keep_standard_streams() -> None:
    """Let no file of ours get the number of a stream that was closed: what is written there would end up in it."""
    with contextlib.suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(descriptor)


def _flushed(code: int) -> int:
    """Write out what is left for stdout; return 5 where that fails, unless something else has gone wrong before."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as failure:
        # Python would try it once more, and end with a message and a code of its own.
        with contextlib.suppress(OSError, ValueError), open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        return code if isinstance(failure, BrokenPipeError) else code or 5
    return code


if __name__ == "__main__":
    main()
