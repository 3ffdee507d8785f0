"""Imports go only downward through the layers of docs/architecture.md, and never in a circle."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "emendo"

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"types", "errors"}),
    frozenset({"fields", "image", "text", "metrics", "settings", "tools"}),
    frozenset({"client", "formats", "workspace"}),
    frozenset({"models"}),
    frozenset({"datasets", "correct", "pages"}),
    frozenset({"evaluate", "train"}),
    frozenset({"release"}),
    frozenset({"monitor", "mine", "serve"}),
    frozenset({"learn"}),
    frozenset({"label"}),
    frozenset({"cli", "web", "flows", "cloud"}),
)
FLOOR = {package: floor for floor, packages in enumerate(LAYERS) for package in packages}

TORCH_HOMES = (
    "train",
    "models/ctc/network.py",
    "models/ctc/reference.py",
    "models/ctc/crnn.py",
    *(
        f"models/generative/{name}.py"
        for name in ("network", "guide", "one_token", "trocr", "vlm", "recognizer", "write_graphs")
    ),
)


def modules() -> dict[str, Path]:
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(name: str, path: Path, known: dict[str, Path], *, deep: bool) -> set[str]:
    """Modules of emendo that `path` imports; with `deep` also those imported inside functions."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    out: set[str] = set()
    stack: list[ast.AST] = list(tree.body)
    while stack:
        node = stack.pop()
        if isinstance(node, functions) and not deep:
            continue
        if isinstance(node, ast.Import):
            out |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                root = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join(root + ([base] if base else []))
            for alias in node.names:
                full = f"{base}.{alias.name}"
                out.add(full if full in known else base)
        stack.extend(ast.iter_child_nodes(node))
    return {target for target in out if target in known and target != name}


def layer(module: str) -> int | None:
    return FLOOR.get([*module.split("."), ""][1])


def test_every_package_has_a_layer() -> None:
    packages = {path.stem if path.is_file() else path.name for path in SOURCE.iterdir() if path.name != "__pycache__"}
    assert packages - {"__init__", "__main__", "py.typed", "py"} <= set(FLOOR)


@pytest.mark.parametrize("name", sorted(modules()))
def test_imports_go_down(name: str) -> None:
    known = modules()
    here = layer(name)
    if here is None:
        return
    upward = {target for target in imported(name, known[name], known, deep=True) if (layer(target) or 0) > here}
    assert not upward, f"{name} imports upward: {sorted(upward)}"


def test_no_import_circles() -> None:
    known = modules()
    graph = {name: imported(name, path, known, deep=False) for name, path in known.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        raise AssertionError(f"import circle: {' -> '.join(error.args[1])}") from error


@pytest.mark.parametrize("name", sorted(modules()))
def test_torch_stays_in_training(name: str) -> None:
    path = modules()[name]
    inside = path.relative_to(SOURCE).as_posix()
    if inside.startswith(TORCH_HOMES):
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    roots = {
        (alias.name if isinstance(node, ast.Import) else node.module or "").split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom)) and not getattr(node, "level", 0)
        for alias in node.names
    }
    assert not roots & {"torch", "transformers", "accelerate", "matplotlib"}, f"{name} imports training libraries"
