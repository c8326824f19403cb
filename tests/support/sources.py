"""The product's source, read for what it says."""

import ast
from collections.abc import Iterator
from pathlib import Path

import resumable

PACKAGE = Path(resumable.__file__).parent


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield every text of a module but its docstrings, each with its line; the pieces of an f-string one by one."""
    documents = {
        id(statement.value)
        for node in ast.walk(tree)
        if isinstance(body := getattr(node, "body", None), list)
        for statement in body
        if isinstance(statement, ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.lineno, node.value
