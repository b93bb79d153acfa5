"""The rules of SciPy come when a program calls SciPy, and never before."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from diffcompile import NoRule, grad
from graphs import written


def run(text: str) -> str:
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_importing_diffcompile_imports_no_scipy() -> None:
    assert run("import sys, diffcompile; print('scipy' in sys.modules)") == "False"


def test_a_program_without_scipy_reads_no_rules_of_it() -> None:
    text = (
        "import sys, numpy as np, scipy.special\n"
        "from diffcompile.frontend.lower import lower\n"
        "from diffcompile.rules.library import consult\n"
        "consult(np.sin), consult(len)\n"
        "print('diffcompile.rules.scipy_special' in sys.modules)\n"
        "consult(scipy.special.erf)\n"
        "print('diffcompile.rules.scipy_special' in sys.modules)"
    )

    assert run(text).split() == ["False", "True"]


def test_a_rule_of_the_user_holds_though_the_book_is_read_later() -> None:
    text = (
        "from scipy import special\n"
        "from diffcompile.rules.register import REGISTRY, defelementwise, nondifferentiable\n"
        "from diffcompile.rules.library import consult\n"
        "@defelementwise(special.erf)\n"
        "def mine(out, x): return 1.0\n"
        "nondifferentiable(special.expit)\n"
        "consult(special.gamma)\n"
        "print(REGISTRY.reverse[special.erf].rule is mine, special.expit in REGISTRY.zero)"
    )

    assert run(text) == "True True"


def test_an_order_without_a_derivative_is_refused_by_name() -> None:
    special = pytest.importorskip("scipy.special")
    fn = written("def f(v, x): return special.jv(v, x)", special=special)

    assert grad(fn, 1)(0.5, 1.3) == pytest.approx((special.jv(-0.5, 1.3) - special.jv(1.5, 1.3)) / 2)
    with pytest.raises(NoRule) as caught:
        grad(fn)(0.5, 1.3)
    reason = "no derivative is known for `scipy.special.jv` with respect to `v`: it has no closed form"
    assert caught.value.reason == reason
    assert caught.value.remedy == "Keep `v` constant: `stop_gradient(v)`."


def test_an_order_that_is_not_asked_for_may_be_anything() -> None:
    special = pytest.importorskip("scipy.special")
    fn = written("def f(x): return special.jv(np.floor(x), x)", special=special)

    assert grad(fn)(2.5) == pytest.approx((special.jv(1, 2.5) - special.jv(3, 2.5)) / 2)


def test_the_generated_module_names_scipy() -> None:
    special = pytest.importorskip("scipy.special")
    derivative = grad(written("def f(x): return np.sum(special.gammaln(x))", special=special))
    derivative(np.ones(3))

    assert "import scipy.special\n" in derivative.source
    assert "scipy.special.psi(x)" in derivative.source


def test_a_method_of_an_object_of_scipy_is_a_function_of_the_library() -> None:
    stats = pytest.importorskip("scipy.stats")
    f = written("def f(x, m): return np.sum(stats.norm.logpdf(x, m)) + stats.norm(m).cdf(0.3)", stats=stats)
    x = np.array([0.5, -1.0])

    assert grad(f, 1)(x, 0.1) == pytest.approx(np.sum(x - 0.1) - stats.norm.pdf(0.2))
    with pytest.raises(NoRule) as caught:
        grad(written("def f(x): return stats.norm.moment(2, x)", stats=stats))(0.5)
    assert caught.value.reason == "no derivative is known for `scipy.stats.norm.moment` with respect to `x`"


def test_a_density_is_no_spline_whichever_was_read_first(tmp_path: Path) -> None:
    program = """
import numpy as np
from scipy import interpolate, stats
from diffcompile import grad, jvp

x = np.array([0.2, 1.1, -0.6])
density = stats.gaussian_kde(np.array([0.1, 0.7, -0.4, 1.3]))
spline = interpolate.CubicSpline(np.linspace(-1.0, 2.0, 5), np.linspace(0.0, 1.0, 5) ** 2)
f, g = (lambda x: np.sum(density(x))), (lambda x: np.sum(spline(x)))
first, second = grad(f)(x), grad(g)(x)
again = jvp(lambda x: np.sum(density(x) ** 2), (x,), (np.ones(3),))[1]
assert np.isclose(again, np.sum(2 * density(x) * first)), (again, first)
assert np.allclose(second, spline(x, 1))
"""
    path = tmp_path / "densities.py"
    path.write_text(program)
    subprocess.run([sys.executable, str(path)], check=True)
