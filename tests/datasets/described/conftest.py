"""A ticket server for each test."""

from collections.abc import Iterator

import pytest

from tests.support.ticket_server import Tickets, serving


@pytest.fixture
def server() -> Iterator[Tickets]:
    """Return a ticket server that is up."""
    with serving(Tickets()) as tickets:
        yield tickets
