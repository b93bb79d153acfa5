"""What a class may define that Python calls unasked: followed, or refused by name."""

# ruff: noqa: PLW1641, B024, B033

from __future__ import annotations

import abc
import collections
import copy
import math
import operator
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
import pytest

from diffcompile import UnsupportedSyntax, grad, jvp
from oracles import assert_every_mode


class Twice(dict):
    def __setitem__(self, k, v):
        super().__setitem__(k, v * 2)


def dict_sub(x):
    d = Twice()
    d["a"] = x
    return d["a"]


class TG(dict):
    def __getitem__(self, k):
        return super().__getitem__(k) * 2


def dict_sub_get(x):
    d = TG(a=x)
    return d["a"]


class L2(list):
    def append(self, v):
        super().append(v * 2)


def list_append(x):
    l = L2()
    l.append(x)
    return l[0]


class LG(list):
    def __getitem__(self, k):
        return super().__getitem__(k) * 2


def list_get(x):
    l = LG([x, x])
    return l[0] + sum(l)


class LI(list):
    def __iter__(self):
        return iter([9.0])


def list_iter(x):
    return sum(v * x for v in LI([x, x]))


class T2(tuple):
    def __getitem__(self, k):
        return super().__getitem__(k) * 2


def tuple_get(x):
    return T2((x, x))[0]


class TA(tuple):
    def __add__(self, o):
        return 5.0


def tuple_add(x):
    return (TA((x,)) + (x,)) * x


class NT(NamedTuple):
    a: float
    b: float


class NT2(NT):
    def __getitem__(self, k):
        return tuple.__getitem__(self, k) * 2


def nt_getitem(x):
    return NT2(x, x)[0]


class NT3(NT):
    def __iter__(self):
        return iter([self.a * 3, self.b])


def nt_iter(x):
    a, b = NT3(x, x)
    return a


class NT4(NT):
    def __len__(self):
        return 5


def nt_len(x):
    return len(NT4(x, x)) * x


class NT5(NT):
    def __new__(cls, a, b):
        return super().__new__(cls, a * 2, b)


def nt_new(x):
    return NT5(x, x).a


class NT6(NT):
    def __eq__(self, o):
        return True

    def __contains__(self, o):
        return True

    def __mul__(self, o):
        return self.a * 5


def nt_eq(x):
    return x if NT6(x, x) == NT6(2 * x, x) else 7 * x


def nt_in(x):
    return x if 3 in NT6(x, x) else 7 * x


def nt_mul(x):
    return NT6(x, x) * 2


class NT7(NT):
    def __getattribute__(self, n):
        r = object.__getattribute__(self, n)
        return r * 2 if n == "a" else r


def nt_gattr(x):
    return NT7(x, x).a


class NT8(NT):
    @property
    def a(self):
        return 3 * self[0]


def nt_prop(x):
    return NT8(x, x).a


class NT9(NT):
    def __bool__(self):
        return False


def nt_bool(x):
    return x if NT9(x, x) else 7 * x


class NT11(NT):
    def __neg__(self):
        return 4 * self.a

    def __call__(self, y):
        return 4 * self.a

    def __radd__(self, y):
        return 4 * self.a

    def __abs__(self):
        return 6 * self.a

    def __enter__(self):
        return self.a

    def __exit__(self, *a):
        return None


def nt_with(x):
    with NT11(x, x) as v:
        return v * x


class CD(collections.UserDict):
    def __setitem__(self, k, v):
        self.data[k] = v * 2


def userdict(x):
    d = CD()
    d["a"] = x
    return d["a"]


class OD(collections.OrderedDict):
    def __setitem__(self, k, v):
        super().__setitem__(k, v * 2)


def od(x):
    d = OD()
    d["a"] = x
    return d["a"]


class DD(collections.defaultdict):
    def __missing__(self, k):
        return 5.0


def dd(x):
    d = DD(float)
    return d["a"] * x


class Cn(collections.Counter):
    pass


def counter(x):
    c = Cn()
    c["a"] += 2
    return c["a"] * x


class Dq(collections.deque):
    def append(self, v):
        super().append(v * 2)


def deq(x):
    d = Dq()
    d.append(x)
    return d[0]


class St(set):
    def __contains__(self, v):
        return True


def set_(x):
    return x if 5 in St([1]) else 7 * x


class M(type):
    def __instancecheck__(cls, o):
        return True


class Any_(metaclass=M):
    pass


class P:
    def __init__(self, v):
        self.v = v


def inst(x):
    return x if isinstance(P(x), Any_) else 7 * x


def inst_tuple(x):
    return x if isinstance(P(x), (int, Any_)) else 7 * x


def inst_float(x):
    return x if isinstance(x, Any_) else 7 * x


def inst_match(x):
    match P(x):
        case Any_():
            return x
    return 7 * x


@runtime_checkable
class HasV(Protocol):
    v: float


@runtime_checkable
class HasM(Protocol):
    def m(self): ...


class PM(P):
    def m(self):
        return 1


def proto_v(x):
    return x if isinstance(P(x), HasV) else 7 * x


def proto_m(x):
    return x if isinstance(PM(x), HasM) else 7 * x


def proto_m2(x):
    return x if isinstance(P(x), HasM) else 7 * x


class AB(abc.ABC):
    pass




def abc_reg(x):
    return x if isinstance(P(x), AB) else 7 * x


AB.register(P)


class AH(abc.ABC):
    @classmethod
    def __subclasshook__(cls, C):
        return True


def abc_hook(x):
    return x if isinstance(P(x), AH) else 7 * x


class Cl:
    def __init__(self, v):
        self.v = v

    @property
    def __class__(self):
        return int


def cls_prop(x):
    return x if isinstance(Cl(x), int) else 7 * x


def union(x):
    return x if isinstance(P(x), int | P) else 7 * x


class GS:
    def __init__(self, v):
        self.v = v

    def __getstate__(self):
        return {"v": self.v * 2}


def gs(x):
    return copy.deepcopy(GS(x)).v


class SS:
    def __init__(self, v):
        self.v = v

    def __setstate__(self, s):
        self.v = s["v"] * 2


def ss(x):
    return copy.copy(SS(x)).v


class RE:
    def __init__(self, v):
        self.v = v

    def __reduce__(self):
        return (RE, (self.v * 2,))


def re_(x):
    return copy.copy(RE(x)).v


def re_in_list(x):
    return copy.deepcopy([RE(x)])[0].v


class RX:
    def __init__(self, v):
        self.v = v

    def __reduce_ex__(self, p):
        return (RX, (self.v * 2,))


def rx(x):
    return copy.copy(RX(x)).v


class CC:
    def __init__(self, v):
        self.v = v

    def __copy__(self):
        return CC(self.v * 3)

    def __deepcopy__(self, memo):
        return CC(self.v * 4)


def cc(x):
    return copy.copy(CC(x)).v


def dc_list(x):
    return copy.deepcopy([CC(x)])[0].v


class A2:
    def __init__(self, v):
        l = [v]
        self.p = l
        self.q = l


def memo(x):
    a = copy.deepcopy(A2(x))
    a.p.append(x * x)
    return sum(a.q)


def memo_list(x):
    l = [x]
    a = copy.deepcopy([l, l])
    a[0].append(x * x)
    return sum(a[1])


def memo_dict(x):
    l = [x]
    a = copy.deepcopy({"a": l, "b": (l,)})
    a["a"].append(x * x)
    return sum(a["b"][0])


class Fin:
    def __init__(self, l, v):
        self.l = l
        self.v = v

    def __del__(self):
        self.l.append(self.v)


def fin(x):
    l = [1.0]
    d = Fin(l, x)
    del d
    return sum(l) * x


class Fin2(Fin):
    pass


def fin2(x):
    l = [1.0]
    Fin2(l, x)
    return sum(l) * x


class GA:
    def __init__(self, v):
        self.v = v

    def __getattribute__(self, n):
        r = object.__getattribute__(self, n)
        return r * 2 if n == "v" else r


def ga(x):
    return GA(x).v


class GB(GA):
    pass


def ga_inherit(x):
    return GB(x).v


class SuperCM:
    k = 2.0

    @classmethod
    def make(cls):
        return cls.k


class SubCM(SuperCM):
    k = 3.0

    def f(self):
        return super().make()

    @classmethod
    def g(cls):
        return super().make()


def super_cm(x):
    return SubCM().f() * x


def super_cm2(x):
    return SubCM.g() * x


class SL:
    __slots__ = ("v",)

    def __init__(self, v):
        self.v = v


def slots_err(x):
    s = SL(x)
    try:
        s.w = 3.0
    except AttributeError:
        return 7 * x
    return x


class WK:
    def __init__(self, v):
        self.v = v

    def __enter__(self):
        return 3 * self.v

    def __exit__(self, a, b, c):
        self.v = 9


def enter(x):
    with WK(x) as y:
        return y


class N:
    def __init__(self, v):
        self.v = v

    def __round__(self, n=None):
        return self.v * 3

    def __trunc__(self):
        return self.v * 2

    def __floor__(self):
        return self.v * 4

    def __ceil__(self):
        return self.v * 5

    def __index__(self):
        return 1

    def __complex__(self):
        return complex(self.v * 2, 0)

    def __float__(self):
        return float(self.v * 3)

    def __int__(self):
        return 3

    def __pow__(self, o, mod=None):
        return self.v * 7 if mod is None else self.v * mod

    def __rdivmod__(self, o):
        return self.v * 3, o

    def __reversed__(self):
        return [self.v * 2, self.v]

    def __len__(self):
        return 2

    def __getitem__(self, k):
        return self.v * (k + 1)

    def __array__(self, dtype=None, copy=None):
        return np.array([self.v * 2])

    def __add__(self, o):
        return self.v + (o.v if isinstance(o, N) else o)

    def __radd__(self, o):
        return 2 * self.v + o

    def __lt__(self, o):
        return self.v > o.v

    def __hash__(self):
        return 5

    def __format__(self, s):
        return "3"

    def __abs__(self):
        return self.v * 9

    def __invert__(self):
        return self.v * 8

    def __pos__(self):
        return self.v * 6

    def __and__(self, o):
        return self.v * 2

    def __ror__(self, o):
        return self.v * 2

    def __imul__(self, o):
        self.v = self.v * o * 2
        return self


def round2(x):
    return round(N(x), 2)


def trunc(x):
    return math.trunc(N(x))


def floor(x):
    return math.floor(N(x))


def ceil(x):
    return math.ceil(N(x))


def op_index(x):
    return operator.index(N(x)) * x


def complex_(x):
    return complex(N(x)).real


def rdivmod(x):
    return divmod(2.0, N(x))[0]


def rev(x):
    return list(reversed(N(x)))[0]


class CG:
    def __class_getitem__(cls, k):
        return k * 2


def cgi(x):
    return CG[x]


class MM(type):
    @property
    def half(cls):
        return 0.5

    def __getattr__(cls, n):
        return 4.0

    def __len__(cls):
        return 3

    def __add__(cls, o):
        return o * 3

    def __getitem__(cls, k):
        return 6.0

    def __contains__(cls, k):
        return True

    def __iter__(cls):
        return iter([1.0, 2.0])


class MMC(metaclass=MM):
    pass


def metaadd(x):
    return MMC + x


class Sub:
    def __init_subclass__(cls, k=2.0):
        cls.k = k


class Sub1(Sub, k=3.0):
    def __init__(self, v):
        self.v = v


def initsub(x):
    return Sub1(x).v * Sub1.k


PROGRAMS = [
    nt_eq,
    nt_in,
    nt_mul,
    userdict,
    dd,
    counter,
    set_,
    proto_m,
    proto_m2,
    abc_reg,
    abc_hook,
    union,
    memo,
    memo_list,
    memo_dict,
    super_cm,
    super_cm2,
    enter,
    initsub,
    trunc,
    floor,
    ceil,
    op_index,
    complex_,
    rdivmod,
    rev,
    round2,
]
REFUSED = [
    (dict_sub, "`Twice` is a dict that defines its own `__setitem__`"),
    (dict_sub_get, "is a dict that defines"),
    (list_append, "is a list that defines"),
    (list_get, "is a list"),
    (list_iter, "is a list"),
    (tuple_get, "is a tuple"),
    (tuple_add, "is a tuple"),
    (nt_getitem, "`NT2` is a tuple that defines its own `__getitem__`"),
    (nt_iter, "`NT3` is a tuple that defines its own `__iter__`"),
    (nt_len, "__len__"),
    (nt_new, "__new__"),
    (nt_prop, "defines its own `a`"),
    (nt_bool, "__bool__"),
    (nt_gattr, "finds its attributes by `__getattribute__`"),
    (nt_with, "__enter__"),
    (od, "is a dict"),
    (deq, "is a deque"),
    (inst, "a class has its own way to say what is an instance of it"),
    (inst_tuple, "a class has its own way"),
    (inst_float, "a class has its own way"),
    (inst_match, "a class has its own way"),
    (proto_v, "a class has its own way"),
    (cls_prop, "`Cl` says that it is of another class"),
    (gs, "`GS` says how it is copied"),
    (ss, "says how it is copied"),
    (re_, "says how it is copied"),
    (re_in_list, "says how it is copied"),
    (rx, "says how it is copied"),
    (cc, "says how it is copied"),
    (dc_list, "says how it is copied"),
    (fin, "`Fin` defines `__del__`"),
    (fin2, "defines `__del__`"),
    (ga, "`GA` finds its attributes by `__getattribute__`"),
    (ga_inherit, "`GB` finds its attributes"),
    (slots_err, "`SL` has no slot for `w`"),
    (cgi, "the class `CG` is asked for an item"),
    (metaadd, "the class `MMC` itself is computed with"),
]


@pytest.mark.parametrize("f", PROGRAMS, ids=lambda f: f.__name__)
def test_followed(f: Any) -> None:
    assert_every_mode(lambda x: f(x[0]) * x[1], np.array([1.1, 0.7]), np.array([1.0, -0.5]))


@pytest.mark.parametrize(("f", "reason"), REFUSED, ids=lambda f: getattr(f, "__name__", ""))
def test_refused(f: Any, reason: str) -> None:
    with pytest.raises(UnsupportedSyntax, match=reason):
        grad(f)(1.1)
    with pytest.raises(UnsupportedSyntax, match=reason):
        jvp(f, (1.1,), (1.0,))


def test_the_callers_are_refused_as_well() -> None:
    def written(x, d):
        d["a"] = x
        return d["a"]

    def read(x, p):
        return x * p.v

    def counted(x, p):
        return x * len(p)

    with pytest.raises(UnsupportedSyntax, match="`Twice` is a dict that defines its own `__setitem__`"):
        grad(written)(1.1, Twice())
    with pytest.raises(UnsupportedSyntax, match="`GA` finds its attributes by `__getattribute__`"):
        grad(read)(1.1, GA(2.0))
    with pytest.raises(UnsupportedSyntax, match="`NT4` is a tuple that defines its own `__len__`"):
        grad(counted)(1.1, NT4(1.0, 2.0))
    assert grad(read)(1.1, Fin([], 2.0)) == 2.0


class Count:
    def __init__(self, n):
        self.n = n
        self.i = 0

    def __iter__(self):
        return self

    def __next__(self):
        if self.i >= self.n:
            raise StopIteration
        self.i += 1
        return self.i


class Counted:
    def __iter__(self):
        return Count(3)


class Yielded:
    def __iter__(self):
        for i in range(3):
            yield i + 1


def run_over(x, items):
    t = 0.0
    for i in items:
        t += i * x
    return t


def in_a_comprehension(x, items):
    return sum([i * x for i in items])


def in_a_generator(x, items):
    return sum(i * x for i in items)


def in_a_list(x, items):
    return list(items)[1] * x


def found_in(x, items):
    return x if 2 in items else 3 * x


@pytest.mark.parametrize("f", [run_over, in_a_comprehension, in_a_generator, in_a_list, found_in])
def test_an_object_that_is_its_own_iterator(f: Any) -> None:
    for make in (lambda: Count(3), Counted):
        with pytest.raises(UnsupportedSyntax, match="an object of class `Count` is run over by"):
            grad(lambda x: f(x, make()))(1.1)
        with pytest.raises(UnsupportedSyntax, match="run over by its `__next__`"):
            grad(f)(1.1, make())


def test_an_object_that_yields_its_items() -> None:
    def f(x):
        t = 0.0
        for i in Yielded():
            t += i * x
        return t

    assert grad(f)(1.1) == 6.0


def test_an_object_that_is_found_twice_is_copied_once() -> None:
    class Node:
        def __init__(self, v):
            self.v = v
            self.me = self

    def f(x):
        n = copy.deepcopy(Node(x))
        n.me.v = n.v * x
        return n.v

    assert grad(f)(3.0) == 6.0
