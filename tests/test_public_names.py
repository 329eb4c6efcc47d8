"""`__all__` is what a module offers: every name of it is the module's own, and nothing public is left out."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import regnet

ROOT = Path(__file__).parents[1]
PACKAGES = (ROOT / "regnet", *sorted((ROOT / "backends").glob("regnet_*")))
STUB = ROOT / "regnet" / "__init__.pyi"
SOURCES = [
    STUB,
    *(path for package in PACKAGES for path in sorted(package.rglob("*.py")) if path != STUB.with_suffix(".py")),
]


class Names:
    """What a module's top level says: `offered` by `__all__`, `written` here, `imported`, and `public`: functions and
    classes written here without an underscore.
    """

    def __init__(self, source: str) -> None:
        self.offered: list[str] = []
        self.written: set[str] = set()
        self.imported: set[str] = set()
        self.public: set[str] = set()
        for node in ast.parse(source).body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                self.written.add(node.name)
                if not node.name.startswith("_"):
                    self.public.add(node.name)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                self.imported |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
                self.written |= names
                if "__all__" in names:
                    self.offered = ast.literal_eval(node.value)


def identify(path: Path) -> str:
    """A module's dotted name."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part not in ("backends", "__init__"))


@pytest.mark.parametrize("path", SOURCES, ids=identify)
def test_all_names_what_the_module_offers(path):
    names = Names(path.read_text())
    own = names.written | names.imported if path.stem == "__init__" else names.written
    assert set(names.offered) <= own, "__all__ names what the module does not define"
    assert names.public <= set(names.offered), "public, but not in __all__: add it, or begin its name with _"
    assert len(set(names.offered)) == len(names.offered)


def test_modules_take_of_one_another_what_is_offered():
    offered = {identify(path): set(Names(path.read_text()).offered) for path in SOURCES}
    taken = [
        (identify(path), node.module, alias.name)
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module in offered
        for alias in node.names
        if alias.name not in offered[node.module] and f"{node.module}.{alias.name}" not in offered
    ]
    assert not taken, "taken of another module, but not in its __all__"


def test_the_public_names_are_those_of_the_package():
    assert all(getattr(regnet, name).__doc__ for name in regnet.__all__)
    public = {name for name in vars(regnet) if not name.startswith("_")}
    submodules = {path.stem for path in (ROOT / "regnet").iterdir() if (path / "__init__.py").is_file()} | {"convert"}
    assert public - submodules == set(regnet.__all__) - submodules


LOADED = "import sys; print(*(name for name in sys.modules if name.split('.')[0] in ('regnet', 'sklearn', 'scipy')))"


def test_a_name_loads_what_it_needs_only():
    def load(line):
        run = subprocess.run([sys.executable, "-c", f"{line}; {LOADED}"], capture_output=True, text=True, check=True)
        return {".".join(name.split(".")[:2]) for name in run.stdout.split()}

    assert load("import regnet") == {"regnet", "regnet.display"}
    estimator = load("from regnet import MLPClassifier")
    assert "sklearn.base" in estimator
    assert estimator.isdisjoint({"regnet.selection", "regnet.commands", "regnet.models"})
    with pytest.raises(AttributeError, match="Perceptron"):
        regnet.Perceptron  # noqa: B018 (asking is the test)
