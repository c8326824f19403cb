"""The notebook of the documents, run by a kernel as a person runs it."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from resumable.simulator.settings import SimSettings, Style
from resumable.simulator.simulator import Simulator

NOTEBOOK = Path(__file__).with_name("notebook.ipynb")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the libraries that drive a kernel, in this process
def test_every_cell_of_the_notebook_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each cell brings what its text says, the run is awaited under a bar that ends full, and none fails."""
    with Simulator(SimSettings(records=30, style=Style.LIFELIKE, rate_public=None)) as sim:
        monkeypatch.setenv("GENESYS_CLIENT_ID", sim.settings.client_id)
        monkeypatch.setenv("GENESYS_CLIENT_SECRET", sim.settings.client_secret)
        monkeypatch.setenv("GENESYS_API_URL", sim.url)
        monkeypatch.setenv("GENESYS_LOGIN_URL", sim.url)
        monkeypatch.setenv("RESUMABLE_STATE", str(tmp_path / "state"))
        many = len(sim.truth("2023-10-01T00:00:00Z/2023-10-08T00:00:00Z"))
        monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
        book = nbformat.read(NOTEBOOK, as_version=4)
        NotebookClient(book, timeout=60, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    said = [_text(cell) for cell in book.cells if cell.cell_type == "code"]
    assert "permissions" in said[0]
    assert said[1].startswith(f"{many} conversations, 7 requests")
    assert f"100 % · 7 / 7 pages · {many} records" in said[2]
    assert "width:100.0%" in said[2]
    assert f"complete: 7 pages, {many} conversations" in said[2]
    assert "count" in said[3]
    assert "serviceLevel" in said[4]
    assert "(exit 2)" in said[5]


def _text(cell: nbformat.NotebookNode) -> str:
    found = [part.get("text", "") for part in cell.outputs]
    found += [str(value) for part in cell.outputs for value in part.get("data", {}).values()]
    return "\n".join(found)
