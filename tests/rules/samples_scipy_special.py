"""Sample arguments of the rules for `scipy.special`, and the points where a convention or a limit decides."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

Sample = tuple[tuple[Any, ...], dict[str, Any]]

V = np.array([0.7, -1.3, 2.1])
P = np.array([0.4, 1.3, 2.2])
Q = np.array([[0.6, 1.7, 2.4], [1.1, 0.3, 0.9]])
U = np.array([0.2, 0.5, 0.9])
S = np.array([-0.6, 0.3, 0.8])
Z = np.array([0.3 + 0.8j, -0.6 + 0.2j])
COLUMN = np.array([[0.8], [1.9]])
F32 = np.array([0.4, 1.3], dtype=np.float32)


def each(*xs: Any) -> list[Sample]:
    return [((x,), {}) for x in xs]


def calls(*args: tuple[Any, ...]) -> list[Sample]:
    return [(xs, {}) for xs in args]


REAL = each(0.4, np.float64(-0.7), V, Q, F32)
POSITIVE = each(0.4, np.float64(1.7), P, Q, F32)
UNIT = each(0.4, np.float64(0.7), U, U.reshape(3, 1))
COMPLEX = each(Z, np.complex128(0.4 - 0.3j))
PAIRS = calls((0.4, 1.3), (P, 1.3), (0.8, Q), (COLUMN, P), (Q, P))


def ordered(*orders: Any, of: list[Sample] = POSITIVE) -> list[Sample]:
    """Samples of a function of a fixed order and an argument."""
    return [((order, *args), {}) for order in orders for args, _ in of]


ONE = {
    special.gamma: each(0.4, -0.7, V, Q, F32) + COMPLEX,
    special.gammaln: POSITIVE + each(V),
    special.loggamma: POSITIVE + COMPLEX,
    special.rgamma: each(0.4, -0.7, V, Q, 0.0, -2.0, np.array([-1.0, 0.0, 1.0])) + COMPLEX,
    special.digamma: POSITIVE + each(V),
    special.erf: REAL + COMPLEX,
    special.erfc: REAL + COMPLEX,
    special.erfi: REAL + COMPLEX,
    special.erfcx: REAL + COMPLEX,
    special.erfinv: UNIT + each(-U),
    special.erfcinv: UNIT + each(1 + U),
    special.dawsn: REAL + COMPLEX,
    special.wofz: COMPLEX,
    special.ndtr: REAL + COMPLEX,
    special.log_ndtr: REAL + each(np.array([-40.0, -3.0, 5.0])),
    special.ndtri: UNIT,
    special.ndtri_exp: each(-0.4, -P, np.array([-40.0, -0.1])),
    special.expit: REAL + each(np.array([-40.0, 30.0])),
    special.log_expit: REAL + each(np.array([-40.0, 30.0])),
    special.logit: UNIT,
    special.entr: POSITIVE,
    special.expm1: REAL + COMPLEX,
    special.log1p: POSITIVE,
    special.cosm1: REAL,
    special.exp2: REAL,
    special.exp10: REAL,
    special.cbrt: REAL,
    special.exprel: REAL + each(0.0, np.array([-30.0, 0.0, 1e-3, 4.0])),
    special.expi: POSITIVE + each(V),
    special.exp1: POSITIVE + COMPLEX[1:],
    special.sici: POSITIVE + each(-P),
    special.shichi: POSITIVE + each(-P),
    special.fresnel: REAL + COMPLEX,
    special.spence: POSITIVE + each(1.0, np.array([0.5, 1.0, 3.0])),
    special.j0: REAL,
    special.j1: REAL + each(0.0),
    special.y0: POSITIVE,
    special.y1: POSITIVE,
    special.i0: REAL,
    special.i1: REAL,
    special.i0e: REAL,
    special.i1e: REAL,
    special.k0: POSITIVE,
    special.k1: POSITIVE,
    special.k0e: POSITIVE,
    special.k1e: POSITIVE,
    special.airy: REAL + COMPLEX,
    special.ellipk: UNIT + each(-P, 0.0, np.array([-3.0, 0.0, 0.95])),
    special.ellipkm1: UNIT,
    special.ellipe: UNIT + each(-P, 0.0, np.array([-3.0, 0.0, 0.95])),
    special.lambertw: POSITIVE[:1] + each(P, 0.0) + COMPLEX + [((Z, -1), {}), ((Z,), {"k": 2})],
    special.wrightomega: REAL + COMPLEX[1:],
}
TWO = {
    special.beta: PAIRS,
    special.betaln: PAIRS,
    special.poch: PAIRS,
    special.binom: calls((3.4, 1.3), (3 + Q, P), (5, 0.4)),
    special.comb: [
        *calls((3.4, 1.3), (3 + Q, P), (np.array([4.4, 1.2]), 2), (1.2, 3.3)),
        ((3 + Q, P), {"repetition": True}),
    ],
    special.factorial: POSITIVE[:4] + each(-2.4),
    special.multigammaln: [((a, d), {}) for d in (1, 3) for a in (2.4, 1.5 + Q)],
    special.zeta: ordered(3, 2),
    special.polygamma: ordered(0, 1, 3),
    special.xlogy: PAIRS + calls((-0.4, 1.3)),
    special.xlog1py: PAIRS + calls((0.4, -0.3)),
    special.rel_entr: PAIRS,
    special.kl_div: PAIRS,
    special.huber: calls((1.0, 0.4), (1.0, V), (COLUMN, V)),
    special.pseudo_huber: PAIRS + calls((1.2, V)),
    special.owens_t: PAIRS + calls((V, 0.6)),
    special.boxcox: PAIRS + calls((P, 0.0), (P, -1.2), (1.0, 0.7)),
    special.boxcox1p: PAIRS + calls((P, 0.0), (P, -1.2), (0.0, 0.7)),
    special.inv_boxcox: PAIRS + calls((P, 0.0), (P, -0.2)),
    special.inv_boxcox1p: PAIRS + calls((P, 0.0), (P, -0.2)),
    special.ellipkinc: calls((0.4, 0.3), (P, U), (P, 0.0), (0.4, -1.5), (-0.6, 0.2)),
    special.ellipeinc: calls((0.4, 0.3), (P, U), (P, 0.0), (0.4, -1.5), (-0.6, 0.2)),
    special.voigt_profile: calls((0.4, 1.3, 0.6), (V, 0.8, P), (V, P, 0.5)),
}  # fmt: skip
ORDERED = {
    special.gammainc: ordered(1, 2, 5),
    special.gammaincc: ordered(1, 2, 5),
    special.gammaincinv: ordered(1, 3, of=UNIT),
    special.gammainccinv: ordered(1, 3, of=UNIT),
    special.betainc: [((2, 3, *args), {}) for args, _ in UNIT],
    special.betaincinv: [((2, 3, *args), {}) for args, _ in UNIT],
    special.expn: ordered(0, 1, 2, 5),
    special.jv: ordered(0, 1, 3, of=REAL + COMPLEX),
    special.yv: ordered(0, 1, 3, of=POSITIVE + COMPLEX[1:]),
    special.hankel1: ordered(0, 2, of=COMPLEX[1:]),
    special.hankel2: ordered(0, 2, of=COMPLEX[1:]),
    special.jve: ordered(0, 1, 3, of=REAL),
    special.yve: ordered(0, 1, 3),
    special.yn: ordered(0, 1, 3),
    special.iv: ordered(0, 1, 3, of=REAL + COMPLEX),
    special.ive: ordered(0, 1, 3, of=REAL),
    special.kv: ordered(0, 1, 3, of=POSITIVE + COMPLEX[1:]),
    special.kve: ordered(0, 1, 3, of=POSITIVE + COMPLEX[1:]),
    special.kn: ordered(0, 1, 3),
    special.struve: ordered(0, 1, 2),
    special.modstruve: ordered(0, 1, 2),
    special.ellipj: [((u, 0), {}) for u in (0.4, V)],
    special.hyp0f1: ordered(1, 3, of=REAL),
    special.hyp1f1: [((2, 3, *args), {}) for args, _ in REAL],
    special.hyp2f1: [((2, 1, 3, *args), {}) for args, _ in UNIT + each(S)],
    special.hyperu: [((2, 1, *args), {}) for args, _ in POSITIVE],
    special.eval_legendre: ordered(0, 1, 4, of=REAL),
    special.eval_chebyt: ordered(0, 1, 4, of=REAL),
    special.eval_chebyu: ordered(0, 1, 4, of=REAL),
    special.eval_laguerre: ordered(0, 1, 4, of=REAL),
    special.eval_hermite: ordered(0, 1, 4, of=REAL),
    special.eval_hermitenorm: ordered(0, 1, 4, of=REAL),
    special.eval_gegenbauer: [((n, 2, *args), {}) for n in (0, 1, 4) for args, _ in REAL],
    special.eval_jacobi: [((n, 2, 1, *args), {}) for n in (0, 1, 4) for args, _ in REAL],
    special.eval_genlaguerre: [((n, 2, *args), {}) for n in (0, 1, 4) for args, _ in REAL],
}
for _fn in (special.spherical_jn, special.spherical_yn, special.spherical_in, special.spherical_kn):
    ORDERED[_fn] = [
        *ordered(0, 1, 3, of=POSITIVE[:4]),
        *[((n, P), {"derivative": True}) for n in (0, 1, 3)],
    ]
REDUCED: dict[Any, list[Sample]] = {
    special.logsumexp: [
        *each(V, Q, 0.4),
        ((Q,), {"axis": 0}),
        ((Q,), {"axis": -1, "keepdims": True}),
        ((Q,), {"axis": (0, 1)}),
        ((Q, 1, P), {}),
        ((Q,), {"axis": 0, "b": COLUMN}),
        ((Q,), {"axis": 0, "b": np.array([[1.0], [-2.0]]), "return_sign": True}),
        ((np.array([1000.0, 1000.5]),), {}),
        ((Z,), {}),
    ],
    special.softmax: [*each(V, Q, F32), ((Q,), {"axis": 0}), ((Q,), {"axis": (0, 1)})],
    special.log_softmax: [*each(V, Q, F32), ((Q,), {"axis": 0}), ((Q,), {"axis": -1})],
}
if hasattr(special, "betaincc"):
    ORDERED[special.betaincc] = ORDERED[special.betainc]
    ORDERED[special.betainccinv] = ORDERED[special.betaincinv]
if hasattr(special, "softplus"):
    ONE[special.softplus] = REAL + each(np.array([-40.0, 30.0]))
if hasattr(special, "sph_harm_y"):
    ORDERED[special.sph_harm_y] = calls((2, 1, 0.4, 1.3), (3, -2, U, P), (2, 0, U, 0.3), (1, 1, U, P))
SAMPLES: dict[Any, list[Sample]] = {**ONE, **TWO, **ORDERED, **REDUCED}

# SciPy computes these, or what their derivatives are made of, in double precision.
WIDENED = {
    special.betaincinv, special.ellipk, special.ellipe, special.inv_boxcox, special.inv_boxcox1p,
    special.boxcox, special.boxcox1p, special.betainc,
    *([special.betaincc, special.betainccinv] if hasattr(special, "betaincc") else []),
}  # fmt: skip

inf = math.inf
KINKS: list[tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = [
    (special.xlogy, (0.0, 0.0), (-inf, 0.0)),
    (special.xlogy, (np.zeros(2), np.array([0.0, 2.0])), (np.array([-inf, math.log(2.0)]), np.zeros(2))),
    (special.xlogy, (0.5, 0.0), (-inf, inf)),
    (special.xlog1py, (0.0, -1.0), (-inf, 0.0)),
    (special.entr, (0.0,), (inf,)),
    (special.entr, (np.array([0.0, 1.0]),), (np.array([inf, -1.0]),)),
    (special.rel_entr, (0.0, 0.5), (-inf, 0.0)),
    (special.kl_div, (0.0, 0.5), (-inf, 1.0)),
    (special.logit, (0.0,), (inf,)),
    (special.cbrt, (0.0,), (inf,)),
    (special.spence, (1.0,), (-1.0,)),
    (special.exprel, (0.0,), (0.5,)),
    (special.rgamma, (0.0,), (1.0,)),
    (special.rgamma, (-3.0,), (-6.0,)),
    (special.boxcox, (0.0, 0.5), (inf, 4.0)),
    (special.huber, (1.0, 1.0), (0.0, 1.0)),
    (special.comb, (1.5, 3.0), (0.0, 0.0)),
    (special.logsumexp, (np.array([-inf, -inf]),), (np.zeros(2),)),
    (special.logsumexp, (np.array([0.0, -inf]),), (np.array([1.0, 0.0]),)),
    (special.softmax, (np.array([0.0, -inf]),), (np.zeros(2),)),
    (special.expit, (np.array([-800.0, 800.0]),), (np.zeros(2),)),
    (special.log_ndtr, (np.array([800.0]),), (np.zeros(1),)),
]
