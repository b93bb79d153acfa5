"""try, with, match and generators: the derivative does what the program does, along the path that ran."""

from __future__ import annotations

import contextlib
import itertools
import math
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from diffcompile import DiffCompileError, grad, value_and_grad
from differing import assert_right

CASES: list[Any] = []


def at(*inputs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The program is right at each of these arguments (a tuple: several)."""

    def add(fn: Callable[..., Any]) -> Callable[..., Any]:
        for k, given in enumerate(inputs):
            args = given if isinstance(given, tuple) else (given,)
            CASES.append(pytest.param(fn, args, id=f"{fn.__name__}-{k}"))
        return fn

    return add


def vector(*numbers: float) -> np.ndarray:
    return np.array(numbers)


@pytest.mark.parametrize(("fn", "args"), CASES)
def test_program_is_right(fn: Callable[..., Any], args: tuple[Any, ...]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert_right(fn, *args)


# -- try ---------------------------------------------------------------------------------------------------


@at(2.0, -2.0)
def fallback(x):
    try:
        y = math.sqrt(x)
    except ValueError:
        y = -x
    return y * y * x


@at(2.0, -2.0)
def raised_and_caught_here(x):
    try:
        if x < 0:
            raise ValueError("negative")
        return x**2
    except ValueError:
        return -5.0 * x


@at(vector(1.0, 4.0, -1.0, 2.0), vector(1.0, 4.0))
def progress_before_the_raise(x):
    total = 0.0
    try:
        for v in x:
            total += math.sqrt(v)
    except ValueError:
        total = total * 2
    return total


@at(vector(1.0, 4.0, -1.0, 2.0))
def turns_that_fail(x):
    total = 0.0
    for v in x:
        try:
            total += math.sqrt(v)
        except ValueError:
            continue
        total *= 1.5
    return total


@at((np.eye(3) * 2, np.arange(3.0) + 1), (-np.eye(3) * 2, np.arange(3.0) + 1))
def solve_with_a_fallback(a, b):
    try:
        lower = np.linalg.cholesky((a + a.T) / 2)
        y = np.linalg.solve(lower, b)
    except np.linalg.LinAlgError:
        y = b * 2.0 + a[0, 0]
    return np.sum(y * y)


@at(vector(1.0, 2.0, 3.0))
def stores_before_and_after(x):
    y = x * 1.0
    try:
        y[0] = x[1] ** 2
        y[7] = x[2]
    except IndexError:
        y[1] = 3 * x[0]
    finally:
        y *= 2
    return np.sum(y * y)


@at(vector(1.0, 2.0, 3.0))
def writes_into_the_argument(x):
    try:
        x[0] = 5.0
        x[1] *= x[2]
        x[9] = 1.0
    except IndexError:
        x[2] = x[1]
    return np.sum(x**2)


@at(4.0, 9.0, -1.0)
def final_statements_that_print(x):
    y = 1.0
    try:
        y = math.sqrt(x)
        if y > 2:
            return y * x
        y = y * 2
    finally:
        print("final", y)
    return y


@at(2.0, -2.0)
def raised_from_another(x):
    try:
        try:
            y = math.sqrt(x)
        except ValueError as e:
            raise KeyError("k") from e
    except KeyError as k:
        y = x * len(str(k))
    return y


@at(1.5, 2.0, 7.0)
def leaving_a_loop_from_a_try(x):
    for i in range(5):
        try:
            if x > i:
                continue
            y = 1.0 / (x - i)
            break
        except ZeroDivisionError:
            return x * x
        finally:
            print("i", i)
    else:
        return x**3
    return y


@at(2.0)
def numbers_in_an_exception(x):
    try:
        raise ValueError(x * 2, 3)
    except ValueError as e:
        a, b = e.args
        return a * b


@at(vector(1.0, 2.0, -1.0, 4.0, 5.0), vector(1.0, 2.0, -1.0))
def nested_tries(x):
    t = 0.0
    for v in x:
        try:
            try:
                if v > 3:
                    raise KeyError
                t += math.sqrt(v)
            except ValueError:
                t += 1
            else:
                t *= 2
        except KeyError:
            t = t * v
            break
    return t


@at(2.0, -2.0)
def nothing_to_do(x):
    try:
        return math.sqrt(x)
    except ValueError:
        pass
    return x * x


@at(2.0)
def several_clauses(x):
    t = 0.0
    try:
        y = x * 2
        t = y
        z = math.log(t - 9)
        t = z
    except TypeError:
        t = 3.0
    except ValueError as e:
        t = t * len(str(e))
    except (KeyError, OverflowError):
        t = x
    return t * x


@at(2.0, -2.0)
def raised_again(x):
    y = x
    try:
        y = math.sqrt(x)
    except ValueError:
        print("failed", y)
        raise
    return y


@at(0.5, 3.0)
def returned_from_final_statements(x):
    for i in range(4):
        try:
            if i > x:
                raise RuntimeError("never seen")
        finally:
            if i > 1:
                return x * i
    return x


@at(0.5, 2.5)
def raise_in_a_handler(x):
    try:
        try:
            y = math.log(x - 1)
        except ValueError:
            y = math.sqrt(x - 2)
    except ValueError as error:
        y = x * (len(error.args) + 1)
    return y


@at(0.5, 2.5)
def else_that_raises(x):
    try:
        y = math.sqrt(x)
    except ValueError:
        y = 0.0
    else:
        try:
            y = y + math.log(y - 1)
        except ValueError:
            y = y * 10
    return y


@at(vector(0.5, 1.5, 2.5))
def loop_else_in_a_try(x):
    best = 0.0
    try:
        for v in x:
            if v > 2:
                raise StopIteration
            best = best + v * v
        else:
            best = -best
    except StopIteration:
        best = best * 3
    return best


@at(0.3, 1.7)
def while_in_a_try(x):
    n = 0
    y = x
    try:
        while math.log(y) < 3:
            y = y * y - 0.1
            n += 1
    except ValueError:
        y = -y
    return y * (n + 1)


def checked_root(v):
    if v < 0:
        raise ValueError(f"negative: {v}")
    return math.sqrt(v)


@at(2.0, -2.0)
def exception_of_a_called_function(x):
    try:
        return checked_root(x) * 2
    except ValueError as error:
        print(error)
        return x * x


@at(-2.0)
def exception_that_is_not_caught(x):
    try:
        y = checked_root(x)
    except KeyError:
        y = 1.0
    return y


def guarded_root(v):
    try:
        return math.sqrt(v)
    except ValueError:
        return -v * v


@at(2.0, -2.0)
def called_function_that_tries(x):
    return guarded_root(x) + guarded_root(x * x - 5)


class Refusal(Exception):
    def __init__(self, code, number):
        super().__init__(code)
        self.code = code
        self.number = number


@at(2.0, 0.5)
def exception_of_the_users_own_class(x):
    try:
        if x > 1:
            raise Refusal("large", 3)
        y = x
    except Refusal as refusal:
        y = x**3 * len(refusal.code)
    return y


@at(2.0)
def overflow(x):
    y = x
    try:
        for k in range(12):
            y = math.exp(x * 10**k) * x
    except OverflowError:
        y = x * 7 + y / y
    return y


@at((2.0, "2.5"), (2.0, "many"))
def parsed(x, text):
    try:
        factor = float(text)
    except ValueError:
        factor = 10.0
    return factor * x


@at(2.0, 1.0)
def assertion(x):
    try:
        assert x > 1.5, "small"
        y = x * x
    except AssertionError as error:
        y = x * (5 + len(error.args))
    return y


@at(vector(1.0, 0.0, -1.0, 3.0))
def handlers_that_store(x):
    y = np.zeros(4)
    for i in range(4):
        try:
            y[i] = math.log(x[i]) + 1.0 / x[i]
        except ValueError:
            y[i] = x[i] * 2
        except ZeroDivisionError:
            y[i] = 5.0
        y[0] += y[i]
    return np.sum(y * y)


@at(vector(4.0, -1.0, 9.0, 16.0))
def list_that_grows_until_it_fails(x):
    roots = []
    try:
        for v in x:
            roots.append(math.sqrt(v))
    except ValueError:
        roots.append(x[1] * 2)
    total = 0.0
    for r in roots:
        total += r * r
    return total


@at(vector(0.5, 2.0, 3.0))
def break_in_else(x):
    t = 0.0
    for v in x:
        try:
            w = math.log(v)
        except ValueError:
            t += 100.0
        else:
            if w > 0.5:
                t += w * v
                break
        finally:
            t *= 1.5
    return t


@at(2.0, -1.0)
def try_in_a_nested_function(x):
    total = 0.0

    def add(v):
        nonlocal total
        try:
            total += math.sqrt(v)
        except ValueError:
            total -= v

    add(x)
    add(x - 3)
    return total * x


@at(0.5, 3.0)
def three_levels(x):
    y = x
    try:
        y = y * 2
        try:
            y = y + 1
            try:
                if x > 1:
                    raise IndexError
                y = y * y
            except KeyError:
                y = 0.0
            finally:
                y = y + 10
        except ValueError:
            y = 1.0
        y = y * 3
    except LookupError:
        y = y * 5
    return y


# -- with --------------------------------------------------------------------------------------------------

LOCK = threading.Lock()
LOG: list[Any] = []
TABLE: dict[str, Any] = {}


class Logged:
    def __init__(self, name):
        self.name = name

    def __enter__(self):
        print("enter", self.name)
        return self

    def __exit__(self, *error):
        print("leave", self.name, error[0])


@at(vector(0.0, 2.0))
def masked_logarithm(x):
    with np.errstate(divide="ignore", invalid="ignore"):
        y = np.where(x > 0, np.log(x), 0.0)
    return np.sum(y * y)


@at(vector(0.0, 2.0), vector(1.0, 2.0))
def floating_point_error(x):
    with np.errstate(all="raise"):
        try:
            y = np.sum(1.0 / x)
        except FloatingPointError:
            y = np.sum(x * x)
    return y * 2


@at(2.0)
def in_a_lock(x):
    with LOCK:
        y = x * x
    return y * x


@at(2.0, 9.0, -1.0)
def return_in_a_manager(x):
    with Logged("a"):
        y = math.sqrt(x)
        if y > 2:
            return y
    return y * x


@at(4.0, 1.0)
def suppressed(x):
    y = 0.0
    with contextlib.suppress(ValueError, ZeroDivisionError):
        y = x * 2
        y = math.log(x - 2)
    return y * x


@at(2.0, -2.0)
def two_managers(x):
    with Logged("a") as first, Logged("b"):
        print(first.name)
        y = math.sqrt(x) * len(first.name)
    return y


@at(2.0, -2.0)
def manager_in_a_try(x):
    try:
        with Logged("a"):
            y = math.sqrt(x)
    except ValueError:
        y = x * 3
    return y


@at(2.0, -2.0)
def try_in_a_manager(x):
    with Logged("a"):
        try:
            y = math.sqrt(x)
        except ValueError:
            y = x * 3
        z = y * y
    return z * x


@at(vector(1.0, 2.0, 5.0))
def manager_in_a_loop(x):
    t = 0.0
    for v in x:
        with Logged(int(v)), np.errstate(all="ignore"):
            if v > 4:
                break
            t += np.sqrt(v)
    return t


@at(3.0)
def null_context(x):
    with contextlib.nullcontext(x * 2) as y, contextlib.nullcontext():
        z = y * x
    return z


class Resource:
    def close(self):
        print("closed")


@at(3.0, -3.0)
def closing(x):
    with contextlib.closing(Resource()):
        y = math.sqrt(x)
    return y


def test_a_manager_is_entered_once_also_when_the_body_raises() -> None:
    entered = []

    class Manager:
        def __enter__(self):
            entered.append("in")

        def __exit__(self, *error):
            entered.append("out")

    def f(x, manager):
        with manager:
            y = math.sqrt(x)
        return y * y

    assert value_and_grad(f)(4.0, Manager()) == (4.0, 1.0)
    with pytest.raises(ValueError, match="math domain error|nonnegative"):
        grad(f)(-4.0, Manager())
    assert entered == ["in", "out"] * 2


def test_no_warning_escapes_from_the_adjoint_of_what_is_silenced() -> None:
    def f(x):
        with np.errstate(divide="ignore"):
            return np.sum(np.sqrt(x))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        gradient = grad(f)(np.array([0.0, 4.0]))

    assert gradient.tolist() == [math.inf, 0.25]


# -- match -------------------------------------------------------------------------------------------------


@dataclass
class Point:
    a: float
    b: float


@at((3.0, "sq"), (3.0, "x"))
def literal_patterns(x, kind):
    match kind:
        case "sq":
            return x**2
        case _:
            return -x


@at(3.0, 0.5)
def sequence_patterns(x):
    match (x, 2.0):
        case (0.0, b):
            y = b
        case (a, b) if a > 1:
            y = a * b
        case (a, *_):
            y = a * 3
    return y * x


@at(2.0)
def mapping_pattern(x):
    match {"k": x, "m": 3.0}:
        case {"k": v, **rest}:
            return v * rest["m"]
    return x


@at((2.0, 3), (2.0, 1), (2.0, -4))
def or_patterns(x, n):
    match n:
        case 0 | 1:
            return x
        case int(k) if k > 2:
            return x**k
        case _:
            return 0.5 * x


@at(vector(2.0, 3.0, 4.0), vector(2.0))
def star_patterns(x):
    ys = [v * v for v in x]
    match ys:
        case [a]:
            return a
        case [a, b, *rest]:
            return a * b + sum(rest)
        case _:
            return x[0]


@at((2.0, Point(2.0, 3.0)), (2.0, Point(4.0, 3.0)))
def class_patterns(x, p):
    match p:
        case Point(a=2.0, b=q):
            return x * q
        case Point(u, v):
            return x * u * v


@at(3.0, 1.0)
def singletons(x):
    match x > 2:
        case True:
            return x * x
        case False:
            return x


@at(vector(1.0, 2.0, 5.0, 3.0, 7.0))
def match_in_a_loop(x):
    s = 0.0
    for v in x + 0.2:
        match int(v):
            case 1:
                s += v
            case 2:
                continue
            case 3:
                break
            case _:
                s += v * v
    return s


@at((3.0, None), (3.0, 2.0))
def match_none(x, scale):
    match scale:
        case None:
            return x
        case float() | int():
            return x * scale


@at(2.0, 0.5)
def guard_that_fails_leaves_names_bound(x):
    y = 7.0
    match x:
        case y if y > 1:
            z = y * y
        case _:
            z = y * 3
    return z + y


@at(2.0, -2.0)
def match_in_a_try(x):
    try:
        match math.sqrt(x):
            case r if r > 1:
                return r * x
            case r:
                return r
    except ValueError:
        return x * x


@at((2.0, ("move", 3.0)), (2.0, ("stop",)), (2.0, ("turn", 1.0, 2.0)))
def nested_patterns(x, command):
    match command:
        case ("move", step):
            return x * step
        case ("stop",):
            return x
        case (str() as name, *rest):
            return x * len(name) * sum(rest)


# -- generators --------------------------------------------------------------------------------------------


def squares(x):
    for v in x:
        yield v * v


def firsts(x, n):
    i = 0
    while True:
        if i >= n:
            return
        yield x[i] * (i + 1)
        i += 1


def chained(x):
    yield from squares(x)
    yield x[0] * 10


def pairs(x):
    for i in range(len(x)):
        for j in range(i):
            yield x[i] * x[j]


X = vector(1.0, 2.0, 3.0)


@at(X)
def generator_in_a_for(x):
    t = 0.0
    for s in squares(x):
        t = t + s * s
    return t


@at(X)
def generator_summed_and_listed(x):
    return sum(squares(x)) + sum(list(chained(x))) * x[1]


@at(X)
def generator_left_early(x):
    t = 0.0
    for i, v in enumerate(pairs(x)):
        if i == 2:
            continue
        if v > 10:
            break
        t += v * i
    else:
        t *= 2
    return t


@at(X)
def return_out_of_a_generator(x):
    for v in firsts(x, 3):
        if v > 3:
            return v * v
    return x[0]


@at(X)
def generator_expression_that_is_kept(x):
    g = (v * v for v in x)
    t = 0.0
    for w in g:
        t += w
    return t * x[0]


@at(X)
def any_and_all(x):
    def seen(v):
        print(v)
        return v > 2

    return x[0] * any(seen(v) for v in x) + x[1] * all(seen(v) for v in x)


@at(X)
def extremes(x):
    return max(v * v for v in (x[0], x[2])) + min(3 * v for v in (x[1], x[2]))


@at(X)
def next_of_a_generator(x):
    return next(v * v for v in x if v > 1.5) + next((v for v in x if v > 100), x[0] * 3)


@at(X)
def generator_in_a_generator_loop(x):
    t = 0.0
    for a in squares(x):
        for b in squares(x):
            if b > a:
                break
            t += a * b
    return t


@at(X)
def turns_alternate_with_values(x):
    def local(k):
        for v in x:
            print("made", v)
            yield v * k

    t = 0.0
    for v in local(3.0):
        print("used")
        t += v * v
    return t


def total(items):
    s = 0.0
    for v in items:
        s += v * v
    return s


@at(X)
def generator_handed_on(x):
    return total(v * 2 for v in x)


@at(X)
def generator_zipped(x):
    return sum(a * b for a, b in zip(squares(x), x))


@at(X)
def generator_in_an_outer_loop(x):
    t = 0.0
    for _ in range(2):
        for v in squares(x):
            t += v
            if t > 20:
                break
    return t


@at(X)
def generator_with_a_state(x):
    def running():
        s = 0.0
        for v in x:
            s += v
            yield s

    t = 0.0
    for s in running():
        t += s * s
    return t


@at(X)
def generator_joined(x):
    return x[0] * len(", ".join(f"{v:.1f}" for v in x))


# -- all at once ---------------------------------------------------------------------------------------------


@at(1.3)
def while_with_everything(x):
    t = 0.0
    i = 0
    while i < 6:
        try:
            t += math.log(2.5 - i)
        except ValueError:
            t *= x
            break
        finally:
            i += 1
        t += x
    else:
        t = -1.0
    return t * i


@at(1.3)
def final_return_wins(x):

    def g(v):
        try:
            return v * 2
        finally:
            if v > 1:
                return v * 3
    return g(x) + g(x - 1)


@at(1.3)
def final_continue_cancels_the_return(x):
    t = 0.0
    for i in range(3):
        try:
            if i == 1:
                return x * 100
            t += x * i
        finally:
            t += 1.0
            if i == 1:
                continue
    return t


@at(1.3)
def handler_that_raises_of_one_name(x):
    try:
        try:
            y = math.sqrt(x - 5)
        except ValueError as e:
            y = 1.0 / (x - x)
    except ZeroDivisionError as e:
        y = x * len(str(e))
    return y


@at(1.3)
def nothing_tried(x):
    try:
        pass
    except ValueError:
        return x
    else:
        return x * x
    finally:
        print('f')


@at(1.3)
def inner_loop_that_raises(x):
    y = 1.0
    for k in range(3):
        try:
            for j in range(3):
                if j == 2 and k == 1:
                    raise KeyError
                y = y * x + j
        except KeyError:
            y = y / 2
            continue
        y = y + 1
    return y


@at(1.3)
def tries_in_a_comprehension(x):

    def safe(v):
        try:
            return math.log(v)
        except ValueError:
            return v
    return sum([safe(v) for v in (x, -x, 2 * x)])


@at(1.3)
def generator_that_counts(x):
    n = 0

    def gen():
        nonlocal n
        for i in range(10):
            n += 1
            yield (x * i)
    for v in gen():
        if v > 5:
            break
    return v * n


@at(1.3)
def generator_expressions_in_each_other(x):
    t = 0.0
    for a in (x * i for i in range(3)):
        for b in (a * j for j in range(3)):
            if b > 3:
                break
            t += b
        else:
            t += 10 * a
    return t


@at(1.3)
def suppressed_raise(x):
    y = x
    with contextlib.suppress(KeyError):
        y = y * 2
        if x > 1:
            raise KeyError('a')
        y = y * 3
    return y


@at(1.3)
def suppressed_in_pairs(x):
    with contextlib.suppress(ZeroDivisionError), contextlib.suppress(ValueError):
        y = math.sqrt(x - 5)
        return y
    return x * 4


class Ending:

    def __init__(self):
        self.n = 0.0

    def __enter__(self):
        self.n += 1
        return self

    def __exit__(self, t, v, tb):
        self.n += 10
        return t is ValueError


@at(1.3)
def manager_that_ends_errors(x):
    t = Ending()
    with t as q:
        y = x * q.n
        y = math.sqrt(y - 100)
    return x * t.n


@at(1.3)
def manager_in_a_loop_with_continue(x):
    t = Ending()
    for i in range(3):
        with t:
            if i == 1:
                continue
            x = x * 1.5
    return x * t.n


@at(1.3)
def patterns_in_patterns(x):
    match [x, [2.0, 3.0], {'a': x * 2}]:
        case [a, [b, *c], {'a': d, **rest}]:
            return a * b * sum(c) * d + len(rest)


@at(1.3)
def patterns_of_dicts(x):
    match {'t': 'circle', 'r': x}:
        case {'t': 'square', 'side': s}:
            return s * s
        case {'t': 'circle', 'r': r} if r < 0:
            return 0.0
        case {'t': 'circle' | 'disc' as kind, 'r': r}:
            return 3.14 * r * r * len(kind)


@at(1.3)
def match_that_breaks(x):
    y = 0.0
    while True:
        match y:
            case 0.0:
                y = x
            case v if v > 20:
                break
            case _:
                y = y * 2
    return y


@at(1.3)
def exception_text(x):
    try:
        y = x
        y += int('q')
    except ValueError as e:
        msg = str(e)
    return y * len(msg)


@at(1.3)
def type_error(x):
    y = None
    try:
        z = y + x
    except TypeError:
        z = x * 9
    return z


@at(1.3)
def file_in_a_with(x):
    with open(__file__) as f:
        n = len(f.read()) > 0
    return x * n


@at(1.3)
def exception_class_tested_in_the_handler(x):
    try:
        raise ValueError
    except (ValueError, KeyError) as e:
        if isinstance(e, ValueError):
            return x * 2
    return x


@at(1.3)
def retries(x):
    for attempt in range(5):
        try:
            y = math.log(attempt - 2)
        except ValueError:
            x = x * 1.1
            continue
        else:
            break
    return x * attempt + y


@at(1.3)
def final_statements_between(x):
    try:
        try:
            raise KeyError('inner')
        finally:
            x = x * 2
    except KeyError:
        x = x + 1
    return x * x


@at(1.3)
def raise_of_a_called_closure(x):

    def f(v):
        if v > 1:
            raise StopIteration('done')
        return v
    t = 0.0
    try:
        for i in range(5):
            t = t + f(x * i * 0.3)
    except StopIteration as e:
        t = t * len(e.args)
    return t


@at(1.3)
def name_beside_the_exception(x):
    e = x * 2
    try:
        y = math.sqrt(-1.0)
    except ValueError as err:
        y = e
    return y * e


@at(1.3)
def exception_name_unused(x):
    try:
        y = math.sqrt(x - 9)
    except ValueError as x2:
        pass
    return x


@at(1.3)
def division_that_ends_a_while(x):
    s = 0.0
    it = 0
    try:
        while True:
            it += 1
            s += x / (3 - it)
    except ZeroDivisionError:
        pass
    return s * it


@at(1.3)
def raised_again_with_progress(x):
    a = x
    try:
        b = a * 2
        try:
            a = b * 3
            c = math.acos(a)
        except ValueError:
            a = a + 1
            raise
    except ValueError:
        return a * b
    return c


@at(1.3)
def next_that_finds_nothing(x):
    try:
        return next(v for v in (x, x * 2) if v > 100)
    except StopIteration:
        return x * x


@at(1.3)
def warnings_ignored(x):
    import warnings
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        y = x * x
    return y


@at(1.3)
def suppress_in_a_loop(x):
    t = 0.0
    for i in range(4):
        with contextlib.suppress(ZeroDivisionError):
            if i == 3:
                break
            t += x / (i - 1)
            t += 1.0
    return t


@at(1.3)
def filter_of_a_map(x):
    t = 0.0
    for v in filter(None, map(lambda k: k - 1.0, [1.0, 2.0, 3.0])):
        t += v * x
    return t


@at(vector(1.3, 2.2, 3.1))
def zip_strict(x):
    t = 0.0
    for a, b in zip(x, [1.0, 2.0, 3.0], strict=True):
        t += a * b
    return t


@at(vector(1.3, 2.2, 3.1))
def zip_strict_that_raises(x):
    t = 0.0
    for a, b in zip(x, [1.0, 2.0], strict=True):
        t += a * b
    return t


@at(vector(1.3, 2.2, 3.1))
def loop_over_a_string(x):
    t = 0.0
    for c in 'abc':
        t += x[0] * ord(c)
    return t


@at(vector(1.3, 2.2, 3.1))
def loop_over_bytes(x):
    t = 0.0
    for b in b'ab':
        t += x[0] * b
    return t


@at(vector(1.3, 2.2, 3.1))
def loop_over_dicts(x):
    d = {'a': 1.0, 'b': 2.0}
    t = 0.0
    for k in d:
        t += x[0] * d[k]
    for k, v in d.items():
        t += x[1] * v
    return t


@at(vector(1.3, 2.2, 3.1))
def loop_over_a_set(x):
    t = 0.0
    for k in {1, 2, 3}:
        t += x[0] * k
    return t


@at(vector(1.3, 2.2, 3.1))
def map_and_filter(x):
    t = 0.0
    for v in map(lambda v: v * v, x):
        t += v
    for v in filter(lambda v: v > 1.5, x):
        t += v * 3
    return t


@at(vector(1.3, 2.2, 3.1))
def count(x):
    t = 0.0
    for i, v in zip(itertools.count(1), x):
        t += i * v
    for k in itertools.count():
        if k > 3:
            break
        t += x[0] * k
    return t


@at(vector(1.3, 2.2, 3.1))
def cycle(x):
    t = 0.0
    for k, v in zip(range(5), itertools.cycle([1.0, 2.0])):
        t += x[0] * v
    n = 0
    for v in itertools.cycle(x):
        t += v * v
        n += 1
        if n > 4:
            break
    return t


@at(vector(1.3, 2.2, 3.1))
def chain(x):
    t = 0.0
    for v in itertools.chain(x, x[:1], [5.0]):
        t += v * v
    return t


@at(vector(1.3, 2.2, 3.1))
def product(x):
    t = 0.0
    for a, b in itertools.product(x, x):
        t += a * b
    for i, j in itertools.product(range(2), range(3)):
        t += x[i] * x[j]
    return t


@at(vector(1.3, 2.2, 3.1))
def repeat_and_islice(x):
    t = 0.0
    for v in itertools.repeat(2.0, 3):
        t += x[0] * v
    for v in itertools.islice(x, 2):
        t += v * v
    for v in itertools.islice(itertools.count(), 1, 5, 2):
        t += x[1] * v
    return t


@at(vector(1.3, 2.2, 3.1))
def accumulate_and_pairwise(x):
    t = 0.0
    for v in itertools.accumulate(x):
        t += v * v
    for a, b in itertools.pairwise(x):
        t += a * b
    return t


@at(vector(1.3, 2.2, 3.1))
def for_else_with_try(x):
    n = 0
    for v in x:
        try:
            n += int(1 / (v - 2))
        except ZeroDivisionError:
            break
    else:
        return x[0]
    return x[1] * n


@at(vector(1.3, 2.2, 3.1))
def while_else_with_try(x):
    i = 0
    while i < 3:
        try:
            if x[i] > 2.5:
                break
        finally:
            i += 1
    else:
        return x[0] * 7
    return x[i - 1] * i


@at(vector(1.3, 2.2, 3.1))
def enumerate_of_zip(x):
    t = 0.0
    for i, (a, b) in enumerate(zip(x, x[1:])):
        t += i * a * b
    for a, b in zip(*[x, x]):
        t += a * b
    return t


@at(vector(1.3, 2.2, 3.1))
def combinations(x):
    t = 0.0
    for a in itertools.combinations(range(3), 2):
        t += x[a[0]] * x[a[1]]
    return t


@at(vector(1.3, 2.2, 3.1))
def reversed_list_of_enumerate(x):
    t = 0.0
    for v in reversed(list(enumerate(x))):
        t += v[0] * v[1]
    return t


@at(vector(1.3, 2.2, 3.1))
def groupby(x):
    t = 0.0
    for k, g in itertools.groupby([1, 1, 2]):
        t += x[0] * k
    return t


@at(1.3)
def log_read_back(x):
    LOG.append(x * 2)
    return LOG[-1] * x


@at(1.3)
def table_read_back(x):
    TABLE['a'] = x * 3
    return TABLE['a'] * x


class Stepped:

    def __init__(self):
        self.n = 0.0

    def step(self, v):
        self.n += v
        if v > 1:
            raise ValueError
        self.n += 1
        return v


@at(1.3)
def attributes_set_in_a_try(x):
    m = Stepped()
    try:
        m.n = x * 2
        m.k = math.sqrt(x - 5)
    except ValueError:
        m.k = 3.0
    return m.n * m.k


@at(1.3)
def entries_set_in_a_try(x):
    d = {'n': 0.0}
    try:
        d['n'] = x * 2
        d['m'] = math.sqrt(x - 5)
        d['n'] = 0.0
    except ValueError:
        pass
    return d['n'] * x


@at(1.3)
def stores_of_every_kind(x):
    y = np.zeros(3)
    try:
        y[1:] += x
        y.fill(2.0)
        y[7] = 1.0
    except IndexError:
        y *= x
    return np.sum(y)


@at(1.3)
def store_through_a_view(x):
    y = np.ones(2) * x
    w = y[:1]
    try:
        w += x
        w[5] = 0.0
    except IndexError:
        pass
    return np.sum(y * y)


@at(1.3)
def tuple_assigned_in_a_try(x):
    y = x
    try:
        y, z = (y * 2, math.sqrt(x - 5))
    except ValueError:
        z = y
    return y * z


@at(1.3)
def reshape_that_does_not_fit(x):
    a = np.array([x, x, x])
    try:
        a = a * 2
        b = a.reshape(2, 2)
    except ValueError:
        b = a[:2]
    return np.sum(b)


@at(1.3)
def final_statement_in_a_loop(x):
    s = 0.0
    for i in range(3):
        try:
            v = [1.0, 0.0, 2.0][i]
            s += x / v
        except ZeroDivisionError as e:
            s += v + len(e.args)
        finally:
            s *= 2
    return s


@at(1.3)
def raise_of_a_function_defined_later(x):

    def f():
        try:
            return g()
        except KeyError:
            return x * 2

    def g():
        raise KeyError
    return f() * x


@at(1.3)
def number_raised_out_of_a_loop(x):
    try:
        t = 0.0
        while t < 10:
            t += x
            if t > 5:
                raise RuntimeError(t)
    except RuntimeError as e:
        t = e.args[0] * 2
    return t


@at(1.3)
def appended_in_every_clause(x):
    out = []
    for v in (x, 0.0, -x):
        try:
            out.append(1 / v)
        except ZeroDivisionError:
            out.append(x)
        else:
            out.append(2.0)
    return sum(out)


@at(1.3)
def name_from_before_the_raise(x):
    try:
        a = x
        for i in range(3):
            a = a * 2
            if i == 1:
                raise KeyError
            b = a
    except KeyError:
        return a * b


@at(1.3)
def generator_with_final_statements(x):

    def gen():
        try:
            yield x
            yield (x * 2)
        finally:
            print('closed')
    return sum(gen())


@at(1.3)
def try_in_a_match_in_a_loop(x):
    r = 0.0
    for n in range(3):
        match n:
            case 0:
                continue
            case 1:
                try:
                    r += math.log(x - 2)
                except ValueError:
                    r += x
                else:
                    break
            case _:
                r *= x
    return r


@at(1.3)
def floating_point_error_of_a_number(x):
    with np.errstate(divide='raise'):
        try:
            y = np.float64(x) / 0.0
        except FloatingPointError:
            y = x * 5
    return y


@at(1.3)
def singular_matrix(x):
    try:
        y = np.linalg.inv(np.zeros((2, 2)) * x)
    except np.linalg.LinAlgError as e:
        return x * len(str(e))
    return np.sum(y)


@at(1.3)
def handler_that_calls_what_the_body_defined(x):
    t = x
    try:

        def doubled():
            return t * 2

        t = x * x
        t = math.sqrt(t - 100)
    except ValueError:
        t = doubled() + t
    return t


@at(1.3)
def first_of_an_iterator(x):
    items = iter([x, x * x])
    return next(items) * x


REFUSED = {
    "a generator is run over a second time, or in another loop than it was made in":
        "def f(x):\n    g = (v * x for v in [1.0, 2.0])\n    return sum(g) + sum(g)",
    "a generator is run over a second time, or in another loop than it was made in ":
        "def f(x):\n    it = iter([x, x * x])\n    t = 0.0\n    for v in it:\n        t += v\n        break\n"
        "    for v in it:\n        t += 10.0 * v\n    return t",
    "what is written here stays written if the rest of the statement raises, in a `try`":
        "def f(x):\n    y = x\n    try:\n        z = (y := y * 2) + float('q')\n    except ValueError:\n"
        "        z = y\n    return y * z",
    "`yield` has no derivative here": "def f(x):\n    yield x",
    "`yield` as an expression has no derivative here":
        "def g(x):\n    y = yield x\ndef f(x):\n    return sum(g(x))",
    "an `async` function has no derivative here":
        "def f(x):\n    async def h(): return await x\n    return x",
    "a function that looks at its own names or runs text is not differentiated":
        "def f(x):\n    return eval('x * x')",
    "a generator is run over in a `try`":
        "def g(x):\n    yield x\ndef f(x):\n    t = 0.0\n    try:\n        for v in g(x):\n"
        "            t += 1.0 / v\n    except ArithmeticError:\n        t = x\n    return t",
    "what a `with` changes before it may raise is seen by the `try` around it":
        "def f(x, m=None):\n    y = x\n    try:\n        with m:\n            y = x * x\n"
        "            y = 1.0 / y\n    except ZeroDivisionError:\n        pass\n    return y",
    "there is no exception to raise again": "def f(x):\n    raise",
}  # fmt: skip


@pytest.mark.parametrize("reason", REFUSED)
def test_refusal_says_why(reason: str) -> None:
    from graphs import written

    text = REFUSED[reason]
    with pytest.raises(DiffCompileError) as refused:
        grad(written(text, "f"))(2.0)

    assert refused.value.reason == reason.rstrip()
