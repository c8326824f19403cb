"""The calls of the system that decide about durability: written down, or made to fail."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


def spied(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record, in order, the calls that decide about durability."""
    calls: list[str] = []

    def wrap(module: Any, name: str, tell: Callable[..., str]) -> None:  # noqa: ANN401 - a module
        real = getattr(module, name)

        def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the function it stands for
            calls.append(tell(*args))
            return real(*args, **kwargs)

        monkeypatch.setattr(module, name, call)

    wrap(os, "fsync", lambda fd: f"fsync {'folder' if os.path.isdir(f'/proc/self/fd/{fd}') else 'file'}")
    wrap(os, "rename", lambda old, new: f"rename {old} {new}")
    wrap(os, "mkdir", lambda path, _mode: f"mkdir {Path(path).name}")
    wrap(os, "unlink", lambda name: f"unlink {name}")
    wrap(hashlib, "file_digest", lambda _file, _name: "read back")
    return calls


def failing(monkeypatch: pytest.MonkeyPatch, name: str, code: int, *, after: int = 0) -> list[int]:
    """Let an os function fail, after so many calls that work; return the list of its calls."""
    real, calls = getattr(os, name), []

    def call(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - as the function it stands for
        calls.append(1)
        if len(calls) > after:
            raise OSError(code, os.strerror(code))
        return real(*args, **kwargs)

    monkeypatch.setattr(os, name, call)
    return calls
