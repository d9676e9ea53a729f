"""The shape of the tree, held by a test: walls, hidden imports, swallowed errors, strangers."""

import ast
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 50
TOP_LEVEL = {"README.md", "chain", "cli.py", "docs", "p2p"} | {
    "pyproject.toml",
    "testnet",
    "tests",
}
# The outermost shell of the command line, and one boundary each where a stranger's failure must
# not take the process down; every one of them logs what it caught.
BROAD_EXCEPTS_ALLOWED = {
    "cli.py",
    "p2p/api/connections.py",
    "p2p/api/problems.py",
    "p2p/net/websocket.py",
    "p2p/node.py",
}


def tracked() -> list[str]:
    """Files git tracks or would track, relative to the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


SOURCES = [
    name
    for name in tracked()
    if name.endswith(".py")
    and (name == "cli.py" or name.split("/")[0] in ("chain", "p2p", "testnet"))
]


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_nothing_strange_at_the_top() -> None:
    top = {name.split("/")[0] for name in tracked()}
    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


@pytest.mark.parametrize("name", SOURCES)
def test_walls(name: str) -> None:
    text = (ROOT / name).read_text()
    tree = ast.parse(text)
    assert len(text.splitlines()) <= FILE_LINES_MAX
    assert ast.get_docstring(tree), "a module says in its first line why it exists"
    for function in functions(tree):
        assert function.end_lineno is not None
        length = function.end_lineno - function.lineno + 1
        assert length <= FUNCTION_LINES_MAX, f"{function.name} has {length} lines"


@pytest.mark.parametrize("name", SOURCES)
def test_no_hidden_imports_and_no_swallowed_errors(name: str) -> None:
    tree = ast.parse((ROOT / name).read_text())
    for function in functions(tree):
        hidden = [
            n.lineno for n in ast.walk(function) if isinstance(n, ast.Import | ast.ImportFrom)
        ]
        assert not hidden, f"imports inside {function.name} at lines {hidden}"
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and name not in BROAD_EXCEPTS_ALLOWED:
            caught = ast.unparse(node.type) if node.type else "BaseException"
            assert caught not in ("Exception", "BaseException"), f"broad except, line {node.lineno}"


@pytest.mark.parametrize("name", SOURCES)
def test_nothing_imports_the_command_line(name: str) -> None:
    for node in ast.walk(ast.parse((ROOT / name).read_text())):
        if isinstance(node, ast.Import):
            assert "cli" not in [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            assert node.module != "cli"


@pytest.mark.parametrize("name", [name for name in SOURCES if name.endswith("__init__.py")])
def test_package_files_hold_one_docstring(name: str) -> None:
    body = ast.parse((ROOT / name).read_text()).body
    assert len(body) == 1
    assert isinstance(body[0], ast.Expr)
