"""The golden files: a user's function and, below it, exactly the source that is generated for it.

The module docstring's indented line says how the function is called before its source is taken; a bare name
takes the source without a call. `pytest --golden-update` rewrites the part below the marker, and the diff is
reviewed.
"""

import ast
import linecache
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
GOLDEN = sorted((ROOT / "tests" / "golden").glob("*.py"))
MARKER = "# --- generated ---\n"
RUFF = ["ruff", "check", "--isolated", "--no-cache", "--select", "E,F,I,UP,B", "--line-length", "100"]

each_golden = pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)


def split(path: Path) -> tuple[str, str]:
    """The user's section and the generated one."""
    user, _, generated = path.read_text().partition(MARKER)
    return user.rstrip("\n") + "\n", generated.strip("\n") + "\n"


def generate(path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is generated now for the function that the docstring calls."""
    user, _ = split(path)
    file = str(path.relative_to(ROOT))
    monkeypatch.chdir(ROOT)
    monkeypatch.setitem(linecache.cache, file, (len(user), None, user.splitlines(keepends=True), file))
    module = ModuleType(f"golden_{path.stem}")
    module.__file__ = file
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(user, file, "exec"), module.__dict__)
    doc = ast.get_docstring(ast.parse(user), clean=False) or ""
    (use,) = [line.strip() for line in doc.splitlines() if line.startswith("    ")]
    expression = ast.parse(use, mode="eval").body
    eval(use, module.__dict__)
    name = ast.unparse(expression.func if isinstance(expression, ast.Call) else expression)
    return module.__dict__[name].source.strip("\n") + "\n"


@each_golden
def test_generated_source_is_the_golden_one(
    path: Path, golden_update: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = generate(path, monkeypatch)
    user, golden = split(path)
    if golden_update and now != golden:
        path.write_text(f"{user}\n\n{MARKER}{now}")
        golden = now

    assert now == golden


@each_golden
def test_generated_source_is_clean_under_ruff_with_lines_of_at_most_100_columns(path: Path) -> None:
    _, golden = split(path)
    command = [sys.executable, "-m", *RUFF, "--stdin-filename", path.name, "-"]
    run = subprocess.run(command, input=golden, capture_output=True, text=True)

    assert run.returncode == 0, run.stdout + run.stderr
    assert [line for line in golden.splitlines() if len(line) > 100] == []


@each_golden
def test_generated_source_needs_no_diffcompile(path: Path) -> None:
    _, golden = split(path)
    imports = [node for node in ast.walk(ast.parse(golden)) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in imports if isinstance(node, ast.ImportFrom)}

    assert golden.strip(), "no generated part yet: run pytest --golden-update"
    own = f"golden_{path.stem}"  # the classes of the user
    known = {"math", "numpy", "operator", "scipy", "types", own}
    assert {name.split(".")[0] for name in names} <= known
