"""The data dictionary against the official SDK's models."""

import importlib.util
from pathlib import Path

from resumable.schema.meanings import meanings


def test_the_sdk_knows_every_field_of_a_session() -> None:
    """By name: the fields of the official SDK's model, read as text, because to import it takes seconds."""
    spec = importlib.util.find_spec("PureCloudPlatformClientV2")
    assert spec is not None
    assert spec.origin is not None
    model = Path(spec.origin).parent / "models" / "analytics_session.py"
    text = model.read_text("utf-8")
    for name in meanings()["conversation.participants.sessions"]:
        assert f"'{name}'" in text, name
