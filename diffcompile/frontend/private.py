"""Private names: in the body of a class, `self.__v` is `self._Class__v`.

Python writes the class into every name that begins with two underscores and does not end with two, be it of
an attribute, a local or a parameter. It is done here once, in the tree, before anything reads a name.
"""

from __future__ import annotations

import ast


def private(name: str, cls: str) -> str:
    """What `name` is called in the body of the class `cls`.

    >>> private("__v", "_Tank"), private("__v__", "Tank"), private("_v", "Tank")
    ('_Tank__v', '__v__', '_v')
    """
    owner = cls.lstrip("_")
    hidden = name.startswith("__") and not name.endswith("__") and "." not in name
    return f"_{owner}{name}" if hidden and owner else name


def is_called(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> bool:
    """Is this the definition of `name`? A function's code keeps the name as it was written."""
    return node.name == name or name.startswith("__") and node.name.endswith(name)


def class_around(qualname: str) -> str:
    """The class in whose body a function was written, innermost; the empty string if there is none.

    >>> class_around("fit.<locals>.Tank.level.<locals>.inner"), class_around("fit.<locals>.inner")
    ('Tank', '')
    """
    parts = qualname.split(".")
    for part, after in zip(parts[-2::-1], parts[:0:-1], strict=True):
        if "<locals>" not in (part, after):
            return part
    return ""


# The fields of nodes that hold names. The keywords of a call and of a class pattern are as they are written.
_NAMES = {
    ast.Name: ("id",), ast.Attribute: ("attr",), ast.arg: ("arg",),
    ast.FunctionDef: ("name",), ast.AsyncFunctionDef: ("name",), ast.ClassDef: ("name",),
    ast.ExceptHandler: ("name",), ast.MatchAs: ("name",), ast.MatchStar: ("name",),
    ast.MatchMapping: ("rest",), ast.Global: ("names",), ast.Nonlocal: ("names",), ast.alias: ("asname",),
}  # fmt: skip


def with_private_names(tree: ast.AST, cls: str = "") -> None:
    """Write the private names of a tree out, which stands in the body of the class `cls`."""
    waiting = [(tree, cls)]
    while waiting:
        node, around = waiting.pop()
        body = node.body if isinstance(node, ast.ClassDef) else []
        inside = node.name if isinstance(node, ast.ClassDef) else ""
        waiting += ((part, inside if part in body else around) for part in ast.iter_child_nodes(node))
        if around:
            _write_out(node, around)


def _write_out(node: ast.AST, cls: str) -> None:
    if isinstance(node, ast.alias) and node.asname is None and private(node.name, cls) != node.name:
        node.asname = node.name
    for field in _NAMES.get(type(node), ()):
        held = getattr(node, field)
        if isinstance(held, str):
            setattr(node, field, private(held, cls))
        elif held:
            setattr(node, field, [private(name, cls) for name in held])
