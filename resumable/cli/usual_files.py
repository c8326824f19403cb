"""Where job files are that nobody names: in the working folder, and in the user's configuration."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

HERE: Final = Path("resumable.toml")


def of_user(environment: Mapping[str, str]) -> Path | None:
    """Return where the user's own is, whether it is there or not; None for a user without a home folder."""
    if config := environment.get("XDG_CONFIG_HOME"):
        return Path(config) / "resumable" / "config.toml"
    home = environment.get("HOME")
    return Path(home) / ".config" / "resumable" / "config.toml" if home else None


def any_usual(environment: Mapping[str, str]) -> bool:
    """Tell whether there is one, without reading it."""
    user = of_user(environment)
    return HERE.is_file() or (user is not None and user.is_file())
