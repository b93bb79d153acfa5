"""Every program of the zoos with all of its loops checkpointed: the same value, gradient and arguments."""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import kernels
import programs
from diffcompile import UndecidedAlias, UnsupportedSyntax, checkpoint, value_and_grad
from oracles import flatten, same

# What may not be run again: refused, with a sentence.
REFUSED = {"noisy_walk", "burgers_upwind_with_two_buffers", "random_walks_in_place"}
# Loops that are written out turn by turn, since they write into items of lists, are not if checkpointed.
WRITTEN_OUT = {"gray_scott", "particles_in_lists"}


class Checkpointing(ast.NodeTransformer):
    """`for x in xs:` becomes `for x in checkpoint(xs):`."""

    def __init__(self, snapshots: int | None) -> None:
        self.snapshots = snapshots
        self.loops = 0

    def visit_For(self, node: ast.For) -> ast.For:
        self.generic_visit(node)
        self.loops += 1
        options = [] if self.snapshots is None else [ast.keyword("snapshots", ast.Constant(self.snapshots))]
        node.iter = ast.Call(ast.Name("checkpoint", ast.Load()), [node.iter], options)
        return node


def checkpointed(fn: Callable[..., Any], module: ModuleType, snapshots: int | None) -> Any:
    """The function with its loops checkpointed; None if it has none."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(fn)))
    node = tree.body[0]
    if not isinstance(node, ast.FunctionDef):
        return None
    node.decorator_list = []
    change = Checkpointing(snapshots)
    change.visit(node)
    if not change.loops:
        return None
    text = ast.unparse(ast.fix_missing_locations(tree)) + "\n"
    file = f"<checkpointed {node.name} {snapshots}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    scope = {**vars(module), "checkpoint": checkpoint}
    exec(compile(text, file, "exec"), scope)
    return scope[node.name]


ZOO = [(p, programs) for p in programs.PROGRAMS] + [(p, kernels) for p in kernels.KERNELS]
CASES = [(p, m, (None, 3)[k % 2]) for k, (p, m) in enumerate(ZOO) if checkpointed(p.fn, m, None) is not None]


@pytest.mark.parametrize(("program", "module", "snapshots"), CASES, ids=lambda v: getattr(v, "name", ""))
def test_a_program_is_differentiated_with_its_loops_checkpointed(
    program: Any, module: ModuleType, snapshots: int | None
) -> None:
    fn = checkpointed(program.fn, module, snapshots)
    if program.name in REFUSED:
        with pytest.raises(UnsupportedSyntax):
            value_and_grad(fn, argnums=program.wrt)(*program.make_inputs())
        return
    if program.name in WRITTEN_OUT:
        with pytest.raises(UndecidedAlias):
            value_and_grad(fn, argnums=program.wrt)(*program.make_inputs())
        return
    plain, args = program.make_inputs(), program.make_inputs()
    value, gradient = value_and_grad(program.fn, argnums=program.wrt)(*plain)

    found, again = value_and_grad(fn, argnums=program.wrt)(*args)

    assert same(found, value)
    np.testing.assert_allclose(flatten(again), flatten(gradient), rtol=1e-7, atol=1e-9)
    assert same(args, plain)
