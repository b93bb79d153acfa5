"""Statements: assignments change what names refer to, control flow becomes instructions that own regions.

    if x > 1: return x**3         If(x > 1) yields the value to return and whether the function is done;
    return 2 * x                  what follows runs in the branch that is not
"""

from __future__ import annotations

import ast
import importlib
import operator
import sys
from dataclasses import replace
from typing import Any

import numpy as np

from ..ir.graph import Atom, Call, Const, Step, Value, exchange, literal, unpack
from ..ir.types import article
from .attempts import LEAVING, Progress, writes
from .build import repeats
from .core import CONTAINERS, holds_objects
from .expressions import BINARY, is_flat
from .heap import ITEM, UNBOUND_REF, Entries, Generated, Items, Obj, Ref, Scope, Sequence, Tup, View
from .lives import contains
from .patterns import Patterns
from .subset import sentence
from .yields import Elsewhere

INPLACE: dict[type[ast.operator], Any] = {
    ast.Add: operator.iadd, ast.Sub: operator.isub, ast.Mult: operator.imul, ast.Div: operator.itruediv,
    ast.FloorDiv: operator.ifloordiv, ast.Mod: operator.imod, ast.Pow: operator.ipow,
    ast.MatMult: operator.imatmul,
}  # fmt: skip


class Statements(Patterns):
    def block(self, statements: list[ast.stmt]) -> None:
        """Lower statements in order; those after a branch that leaves run on the other branch."""
        if self.guards:
            self.guarded(statements)
            return
        if self.watch is not None:
            self._watched(statements, self.watch)
            return
        for k, statement in enumerate(statements):
            rest = statements[k + 1 :]
            self.node = statement
            self.b.line = self.span(statement)
            if (
                isinstance(statement, ast.If)
                and rest
                and (leaves(statement.body) or leaves(statement.orelse))
            ):
                self._if(statement, rest)
                return
            self.statement(statement)
            if self.state.dead:
                return
            self.forget(self.useless_after(statement))
            done = self.b.constant(self.state.done)
            if done is None:
                self._unless_done(rest)
                return
            if done.value:
                return

    def _watched(self, statements: list[ast.stmt], watch: Progress) -> None:
        """Lower the statements of a `with`, noting what each of them changes and whether it may raise."""
        self.watch = None
        for k, statement in enumerate(statements):
            leaving = isinstance(statement, ast.If) and any(contains([statement], kind) for kind in LEAVING)
            before, mark, inlined = self.state.copy(), len(self.b.body), self.unit.inlined
            self.block(statements[k:] if leaving else [statement])
            added = self.b.body[mark:]
            calls = self.unit.inlined != inlined or any(map(writes, added))
            watch.after(statement, before, added, calls)
            done = self.b.constant(self.state.done)
            if leaving or self.state.dead or done is None or done.value:
                break

    def _unless_done(self, rest: list[ast.stmt]) -> None:
        if not rest:
            return

        def go_on() -> None:
            self.state.done = Const(False)
            self.block(rest)

        self.branch(self.state.done, lambda: None, go_on)

    def statement(self, node: ast.stmt) -> None:
        method = getattr(self, f"_{type(node).__name__}", None)
        if method is None or isinstance(node, ast.ClassDef):
            raise self.refuse(*sentence(node))
        method(node)

    # -- assignments ----------------------------------------------------------------------------------------

    def _Assign(self, node: ast.Assign) -> None:
        first = node.targets[0]
        if len(node.targets) == 1 and self._exchanged(first, node.value):
            return
        hint = first.id if isinstance(first, ast.Name) else ""
        ref = self.kept_iterator(node.value, self.expression(node.value, hint))
        ref = self.standing_alone(ref) if isinstance(ref, View) else ref
        for target in node.targets:
            self.assign(target, ref)

    def _exchanged(self, target: ast.expr, value: ast.expr) -> bool:
        """`rows[i], rows[j] = rows[j], rows[i]`: items of one list change places, and none is there twice."""
        if not isinstance(target, ast.Tuple) or not isinstance(value, ast.Tuple):
            return False
        places = [ast.unparse(part) for part in target.elts]
        moved = [ast.unparse(part) for part in value.elts]
        parts = [part for part in value.elts if isinstance(part, ast.Subscript)]
        lists = {ast.unparse(part.value) for part in parts}
        if sorted(places) != sorted(moved) or len(parts) != len(places) or len(lists) != 1:
            return False
        if any(isinstance(n, (ast.Call, ast.NamedExpr)) for n in ast.walk(value)):
            return False
        base = self.expression(parts[0].value, whole=False)
        root = base.root if isinstance(base, View) else base
        known = self.type_of(base)
        if not isinstance(base, (Obj, View)) or not isinstance(root, Obj) or not root.cell.apart:
            return False
        if known.kind != "list" or not holds_objects(known):
            return False
        indices = {name: self.atom(self.index(part.slice)) for name, part in zip(moved, parts, strict=True)}
        if any(isinstance(at, Const) and isinstance(at.value, slice) for at in indices.values()):
            return False
        whole = self.whole(base)
        items = {name: self.b.call(operator.getitem, whole, at) for name, at in indices.items()}
        if root.cell.mirror is not None:
            path = base.path if isinstance(base, View) else ()
            ends = tuple(indices[name] for name in (*places, *moved))
            self.mirror(root.cell.mirror, exchange, path, ends)
        for place, name in zip(places, moved, strict=True):
            self.stored(base, operator.setitem, indices[place], items[name], mirrored=False)
        return True

    def _AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            hint = node.target.id if isinstance(node.target, ast.Name) else ""
            self.assign(node.target, self.expression(node.value, hint))

    def assign(self, target: ast.expr, ref: Ref) -> None:
        match target:
            case ast.Name(id=name):
                self.bind(name, self._named(ref, name))
            case ast.Tuple(elts=elts) | ast.List(elts=elts):
                self._unpack(elts, ref)
            case ast.Subscript():
                base = self.expression(target.value, whole=False)
                self.set_item(base, self.index(target.slice), ref)
            case ast.Starred(value=inner):
                self.assign(inner, ref)
            case ast.Attribute():
                self.set_attribute(self.expression(target.value), target.attr, ref)
            case Elsewhere(what=ast.expr() as there):
                target.frame.assign(there, ref)
            case _:
                raise self.refuse(*sentence(target), target)

    def _named(self, ref: Ref, name: str) -> Ref:
        """A number given a name keeps it: `dt = 0.1` is a line of the generated code. So does an object."""
        if isinstance(ref, Obj) and not ref.cell.name:
            ref.cell.name = name
        if (
            isinstance(ref, Const)
            and type(ref.value) in (int, float)
            and not self.unit.rule
            and not ref.spelling
        ):
            out = Value(name, ref.type, named=True)
            self.b.emit(Call((out,), literal, (ref,), (), self.b.line))
            return out
        return ref

    def _unpack(self, targets: list[ast.expr], ref: Ref) -> None:
        stars = [k for k, t in enumerate(targets) if isinstance(t, ast.Starred)]
        if isinstance(ref, Generated):  # as many values as there are names: each is known by itself
            self.unit.unrolled.update(p for p in ast.walk(ref.source.node) if isinstance(p, ast.For))
            iterated: Ref | None = self._listed(ref)
        else:
            ref = self.viewed(ref) if isinstance(ref, Sequence) else ref
            iterated = self.items_of_object(ref)
        ref = ref if iterated is None else iterated
        items = self._sequence(ref)
        if items is None and not isinstance(ref, Value):
            items = self.items_of(ref)
        if items is None:
            if stars:
                items = self.static_items(ref)
                if items is None and self.type_of(ref).kind in ("list", "array"):
                    self._unpack_by_place(targets, ref, stars[0])
                    return
                if items is None:
                    raise self.refuse("a starred assignment from a sequence whose length is not known here",
                                      "Use slices: `first, rest = x[0], x[1:]`.")  # fmt: skip
            else:
                items = self._split(ref, targets)
        if stars:
            (at,) = stars
            after = len(targets) - at - 1
            if len(items) < len(targets) - 1:
                raise self.refuse(f"{len(items)} values for {len(targets) - 1} names or more")
            middle = self.state.new(Items(items[at : len(items) - after]))
            items = (*items[:at], middle, *items[len(items) - after :])
        if len(items) != len(targets):
            raise self.refuse(f"{len(items)} values for {len(targets)} names")
        # The first of them may be assigned where another one is from.
        held = [self.held_part(item) if self.views_in(item) else None for item in items]
        for target, item, key in zip(targets, items, held, strict=True):
            self.assign(target, self.let_go(key, item))

    def _split(self, ref: Ref, targets: list[ast.expr]) -> tuple[Ref, ...]:
        """The items of a value that is unpacked: `n, d = x.shape`, `a, b = x`."""
        alone = self._at_hand_alone(ref)
        source = self.whole(ref) if alone else self.atom(ref)
        kinds = source.type.items if source.type.kind == "tuple" else None
        outs = []
        for k, target in enumerate(targets):
            if kinds is not None and len(kinds) == len(targets):
                type = kinds[k]
            else:
                type = self.item_type(source.type)
            name = target.id if isinstance(target, ast.Name) else "item"
            outs.append(Value(name, type, named=isinstance(target, ast.Name)))
        self.b.emit(Call(tuple(outs), unpack, (source, Const(len(targets))), (), self.b.line))
        if isinstance(ref, (Obj, View)) and source.type.kind == "array" and (source.type.rank or 0) > 1:
            return tuple(
                View(ref, operator.getitem, (Const(k),), (), out.type, out.name, [(source, out)])
                for k, out in enumerate(outs)
            )
        refs: list[Ref] = []
        for out in outs:
            ref_out = self.own(out, out.name)
            if isinstance(ref_out, Obj) and source.type.kind in ("array", "unknown"):
                ref_out.cell.shares |= self.cells(ref)
            elif source.type.kind == "list" and not alone:
                for cell in self.cells(ref_out):
                    cell.outside = ITEM
                    self.found_inside(cell, self.cells(ref))
            refs.append(ref_out)
        if source.type.kind == "tuple":
            self.parts_of_tuple(source, refs)
        return tuple(refs)

    def _at_hand_alone(self, ref: Ref) -> bool:
        """Is this a list of its own items that was made where it is unpacked, and has no name?"""
        if not isinstance(ref, Obj) or not ref.cell.apart or ref.cell.outside or ref.cell.shares:
            return False
        return not self.in_use(ref.cell) and ref.cell not in self.held(self.state)

    def _unpack_by_place(self, targets: list[ast.expr], ref: Ref, at: int) -> None:
        """`first, *rest, last = items`, where how many there are is not known here."""
        after = len(targets) - at - 1
        middle = self.subscript(ref, Const(slice(at, -after if after else None)))
        if self.type_of(ref).kind == "array":
            middle = self.known(list, [middle], {}, "")
        parts = [self.subscript(ref, Const(k)) for k in range(at)]
        last = [self.subscript(ref, Const(k - after)) for k in range(after)]
        for target, part in zip(targets, [*parts, middle, *last], strict=True):
            self.assign(target.value if isinstance(target, ast.Starred) else target, part)

    def set_item(self, base: Ref, index: Ref, value: Ref) -> None:
        """`base[index] = value`."""
        self.no_key(base, index)
        method = self.special_method(base, "__setitem__")
        if method is not None:
            self.invoke(method, [index, value], {})
            return
        base = self.written(base)
        known = self.constant(index)
        if known is not None or self.type_of(base).kind != "dict":
            self.looked_into(base)
        if isinstance(base, Obj):
            content = self.state.heap[base.cell]
            if isinstance(content, Items):
                if known is not None and isinstance(known.value, slice):
                    if self.set_slice(base, content, known.value, value):
                        return
                elif known is not None and isinstance(known.value, int):
                    if not -len(content.items) <= known.value < len(content.items):
                        raise self.refuse(
                            f"index {known.value} is out of range for {len(content.items)} items"
                        )
                    items = list(content.items)
                    items[known.value] = value
                    self.change(base, replace(content, items=tuple(items)), operator.setitem, known, value)
                    return
                self.materialise(base.cell)
            elif isinstance(content, Entries) and content.is_dict:
                if known is not None:
                    self.set_entry(base, known.value, value)
                    return
                self.materialise(base.cell)
        if not isinstance(base, (Obj, View)):
            raise self.refuse(f"{article(self.type_of(base).kind)} cannot be written into")
        if self.type_of(base).kind in CONTAINERS:
            at = self.atom(index)
            if self._is_slice(index):
                self.set_part(base, at, value)
            else:
                self.put(base, operator.setitem, value, at, place=at)
            return
        if self.type_of(base).kind not in ("array", "unknown"):
            raise self.refuse(
                f"writing into {article(self.type_of(base).kind)} is not differentiated yet",
                "Keep the value in a variable.",
            )
        stored = self.atom(value)
        if is_flat(base) and not stored.type.is_scalar:
            shape = self.b.call(np.shape, self.atom(self.subscript(base, index)))
            stored = self.b.call(np.resize, stored, shape)
        self.store(base, operator.setitem, self.atom(index), stored)

    def _AugAssign(self, node: ast.AugAssign) -> None:
        match node.target:
            case ast.Name(id=name):
                current = self.lookup(name)
                changed = self.augmented(current, self.expression(node.value), node, name)
                if changed is not current:
                    self.bind(name, changed)
            case ast.Subscript():
                base = self.expression(node.target.value)
                index = self.index(node.target.slice)
                self._augment_item(base, index, node)
            case ast.Attribute(attr=attr):
                owner = self.expression(node.target.value)
                current = self.attribute(owner, attr)
                label = "" if isinstance(owner, View) else attr
                changed = self.augmented(current, self.expression(node.value), node, label)
                if changed is not current or self.is_written_by(owner, attr):
                    self.set_attribute(owner, attr, changed)
            case _:
                raise self.refuse(*sentence(node.target))

    def _augment_item(self, base: Ref, index: Ref, node: ast.AugAssign) -> None:
        """`base[index] += value`: what is added flows on by itself; the rest reads, computes and writes."""
        base = self.written(base)
        current = self.subscript(base, index)
        if self.type_of(base).kind != "array":
            root = base.root if isinstance(base, View) else base
            if isinstance(root, Obj) and root.cell.outside and self.type_of(base).kind == "unknown":
                self.check_write(root.cell)  # it is written if it is an array, and has another item if a list
            changed = self.augmented(current, self.expression(node.value), node)
            if changed is not current or self.special_method(base, "__setitem__") is not None:
                self.set_item(base, index, changed)
            return
        read = self.atom(current)
        right = self.expression(node.value)
        linear = type(node.op) in (ast.Add, ast.Sub) and isinstance(base, (Obj, View))
        linear = linear and (not is_flat(base) or self.type_of(right).is_scalar)
        if linear and not repeats(self.atom(index), self.b):
            if not read.type.is_scalar or self.atom(self.subscript(base, index)) is read:
                place = Step(operator.getitem, (self.atom(index),))
                assert isinstance(base, (Obj, View))
                self.store(base, INPLACE[type(node.op)], self.atom(right), path=(place,))
                return
        total = self.b.call(BINARY[type(node.op)], read, self.atom(right))
        self.set_item(base, index, self.own(total))

    def augmented(self, current: Ref, right: Ref, node: ast.AugAssign, name: str = "") -> Ref:
        """`current op= right`: the object itself where it is changed in place, what replaces it otherwise."""
        op = node.op
        if isinstance(current, Obj) and current.cell in self.state.kept:
            current = self.as_item(current)
        kind = self.type_of(current).kind
        if kind == "array" and isinstance(current, (Obj, View)) and type(op) in INPLACE:
            value = self.atom(right)
            if isinstance(current, Obj) or type(op) in (ast.Add, ast.Sub):
                label = name if isinstance(current, Obj) else ""
                self.store(current, INPLACE[type(op)], value, name=label)
            else:
                changed = self.b.call(BINARY[type(op)], self.atom(current), value)
                self.store(current, operator.setitem, Const(...), changed)
            return current
        held = self._augmented_container(current, right, op)
        if held is not None:
            return held
        if kind == "unknown" and isinstance(current, (Obj, View)) and self._shared(current):
            span = self.span(node.target)
            place = span.text[span.column : span.end_column]
            instead = ast.unparse(ast.BinOp(ast.Name(place), op, ast.Constant(...)))
            raise self.refuse(
                f"`{place}` may be an array that something else refers to, and is changed in place",
                f"Annotate the parameter, call the derivative once first, or write `{place} = {instead}`.",
            )
        return self.own(self.b.call(BINARY[type(op)], self.atom(current), self.atom(right), name=name), name)

    def _augmented_container(self, current: Ref, right: Ref, op: ast.operator) -> Ref | None:
        """What `current op= right` leaves in its place where that is an object's or a container's to say."""
        own = self.operated(BINARY[type(op)], current, right, "", inplace=True)
        if own is not None:
            return own
        content = self.content(current)
        if isinstance(current, Obj) and isinstance(content, Items) and isinstance(op, ast.Add):
            more = self.items_of(right)
            if more is not None:
                longer = replace(content, items=content.items + more)
                self.change(current, longer, list.extend, self.state.new(Items(more)))
                return current
        if isinstance(current, Obj) and isinstance(content, Items) and isinstance(op, ast.Mult):
            repeated = self.listed(self.operate(operator.mul, current, right))
            if repeated is not None:
                added = self.state.new(Items(repeated.items[len(content.items) :]))
                self.change(current, replace(content, items=repeated.items), list.extend, added)
                return current
        kind = self.type_of(current).kind
        if isinstance(current, (Obj, View)) and kind == "dict" and isinstance(op, ast.BitOr):
            self.method(current, "update", [right], {}, "")
            return current
        if kind == "list" and isinstance(current, (Obj, View)) and isinstance(op, ast.Add):
            if isinstance(current, Obj):
                self.materialise(current.cell)
            self.grown_list_method(current, "extend", [right], {}, "")
            return current
        if isinstance(current, Tup) and isinstance(op, (ast.Add, ast.Mult)):
            return self.operate(BINARY[type(op)], current, right)
        return None

    def _shared(self, ref: Obj | View) -> bool:
        if isinstance(ref, View):
            return True
        holders = sum(ref.cell in self.cells(r) for r in self.state.vars.values())
        return holders > 1 or ref.cell.param or bool(ref.cell.shares)

    def _Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            match target:
                case ast.Name(id=name):
                    self.bind(name, UNBOUND_REF)
                case ast.Subscript():
                    self.delete_item(self.expression(target.value), self.index(target.slice))
                case ast.Attribute():
                    self.delete_attribute(self.expression(target.value), target.attr)
                case ast.Tuple(elts=elts) | ast.List(elts=elts):
                    self._Delete(ast.Delete(elts))

    # -- control flow ---------------------------------------------------------------------------------------

    def _If(self, node: ast.If) -> None:
        self._if(node, [])

    def _if(self, node: ast.If, rest: list[ast.stmt]) -> None:
        self.choose(self.condition(node.test), node, rest)

    def choose(self, test: Atom, node: ast.If, rest: list[ast.stmt]) -> None:
        """One of the branches, and what follows the statement after it if `rest` is handed in."""
        self.b.line = self.span(node.test)

        def path(body: list[ast.stmt]) -> Any:
            def run() -> None:
                self.block(body)
                self.forget(self.useless_after(node))
                if not self.state.dead and rest:
                    done = self.b.constant(self.state.done)
                    if done is None:
                        self._unless_done(rest)
                    elif not done.value:
                        self.block(rest)

            return run

        self.branch(test, path(node.body), path(node.orelse))

    def _Return(self, node: ast.Return) -> None:
        self.give(Const(None) if node.value is None else self.returned(node.value))

    def give(self, ref: Ref) -> None:
        self.state.vars[self.scope, "$result"] = ref
        self.state.done = Const(True)
        if self.loop_depth:
            self.state.vars[self.scope, "$returned"] = Const(True)
            self.state.vars[self.scope, "$leave"] = Const(True)

    def _Break(self, node: ast.Break) -> None:
        self.state.vars[self.scope, "$leave"] = Const(True)
        if (self.scope, "$broke") in self.state.vars:
            self.state.vars[self.scope, "$broke"] = Const(True)
        self.state.done = Const(True)

    def _Continue(self, node: ast.Continue) -> None:
        self.state.done = Const(True)

    # -- the rest -------------------------------------------------------------------------------------------

    def _Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, (ast.Yield, ast.YieldFrom)):
            self.yielded(node.value)
        elif not isinstance(node.value, ast.Constant):
            self.expression(node.value)

    def _Pass(self, node: ast.Pass) -> None:
        pass

    def _FunctionDef(self, node: ast.FunctionDef) -> None:
        decorators = [self.expression(d) for d in node.decorator_list]
        made: Ref = self.closure(node)
        for decorator in reversed(decorators):
            made = self.invoke(decorator, [made], {})
        self.bind(node.name, made)

    def _Nonlocal(self, node: ast.Nonlocal) -> None:
        for name in node.names:
            scope = self.scope.parent
            while scope is not None and (scope, name) not in self.state.vars:
                scope = scope.parent
            if scope is not None:
                self.unit.homes[self.scope, name] = self.unit.homes.get((scope, name), scope)
                continue
            code, cells = self.source.fn.__code__, self.source.fn.__closure__
            if name not in code.co_freevars or cells is None:
                raise self.refuse(f"`{name}` has no value yet in the enclosing function")
            cell = cells[code.co_freevars.index(name)]
            self._write_to(name, cell, cell)

    def _Global(self, node: ast.Global) -> None:
        names = self.source.fn.__globals__
        module = sys.modules.get(names.get("__name__", ""))
        if module is None or vars(module) is not names:
            raise self.refuse("`global` in a function that is in no module", "Return the value instead.")
        for name in node.names:
            self._write_to(name, names, module)

    def _write_to(self, name: str, place: Any, owner: Any) -> None:
        """From here on the name is one of a module, or a closure cell."""
        if id(place) not in self.unit.outsides:
            self.unit.outsides[id(place)] = Scope("outside", None, owner)
        self.unit.homes[self.scope, name] = self.unit.outsides[id(place)]
        self.unit.session.written[id(place), name] = owner

    def _Import(self, node: ast.Import) -> None:
        for alias in node.names:
            module = importlib.import_module(alias.name)
            root = alias.name.split(".")[0]
            self.bind(alias.asname or root, Const(module if alias.asname else importlib.import_module(root)))

    def _ImportFrom(self, node: ast.ImportFrom) -> None:
        package = self.source.fn.__globals__.get("__package__")
        module = importlib.import_module("." * node.level + (node.module or ""), package)
        for alias in node.names:
            self.bind(alias.asname or alias.name, Const(getattr(module, alias.name)))


def leaves(statements: list[ast.stmt]) -> bool:
    """Does this block always end in `return`, `break` or `continue`?"""
    if not statements:
        return False
    last = statements[-1]
    if isinstance(last, ast.If):
        return leaves(last.body) and leaves(last.orelse)
    return isinstance(last, (ast.Return, ast.Break, ast.Continue))
