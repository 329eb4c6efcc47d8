"""What a fresh kernel shows: pictures without pyplot, and how far a training is."""

import pickle
import time
from functools import partial

import numpy as np
import pytest
from conftest import need

from regnet.display.plots import training_figure

CELLS = [
    """
import numpy as np
from regnet import Network, fit
from regnet.display.plots import training_figure
x = np.linspace(-1, 1, 50)[:, None]
result = fit(Network.mlp([1, 8, 1], loss="squared_error"), x, x**2, epochs=20_000)
""",
    "training_figure({'loss': {'loss': result.history.column('loss')}}, result.history.column('epoch'), 'loss')",
    "result",
]


def figure():
    return training_figure({"loss": {"loss": np.ones(3)}}, np.arange(3), "a title")


def test_a_figure_shows_itself():
    assert figure()._repr_png_().startswith(b"\x89PNG")
    assert pickle.loads(pickle.dumps(figure()))._repr_png_() == figure()._repr_png_()


def test_a_bar_is_a_line_that_is_written_anew(monkeypatch):
    need("IPython")
    from regnet.display import progress

    class Handle:
        lines: list[str] = []  # noqa: RUF012 (of this test alone)

        def update(self, shown):
            self.lines.append(shown.data)

    monkeypatch.setattr("IPython.display.display", lambda shown, display_id: Handle())
    monkeypatch.setattr(progress, "Console", partial(progress.Console, force_jupyter=True))
    with progress.progress_bar(1000, "epochs") as bar:
        for done in range(0, 1001, 100):
            bar.update(done, f"<loss> {done}")
            time.sleep(0.05)
    first, *others, last = Handle.lines
    assert first == '<progress value="0" max="1000"></progress> epochs 0/1,000 --:-- &lt;loss&gt; 0'
    assert 1 <= len(others) <= 4  # not at every update
    assert last == ""
    with progress.progress_bar(10, "epochs", enabled=False) as bar:
        bar.update(5)
    assert last is Handle.lines[-1]


@pytest.mark.slow
def test_a_fresh_kernel():
    nbformat, nbclient = need("nbformat"), need("nbclient")
    need("ipykernel")
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(one) for one in CELLS])
    nbclient.NotebookClient(book, timeout=300, kernel_name="python3").execute()
    trained, drawn, told = ([one.data for one in cell.outputs if "data" in one] for cell in book.cells)
    assert [one["text/html"] for one in trained] == [""]  # the bar has vanished
    assert "image/png" in drawn[0]
    assert told[0]["text/plain"].startswith("FitResult(")
    assert len(told[0]["text/plain"].splitlines()) == 1
