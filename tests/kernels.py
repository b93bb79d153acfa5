"""The zoo of mutation: kernels as they are written in practice, with slices and elements assigned in place.

    @kernel(inputs=lambda: (3, normal(6), normal(6, seed=1)), wrt=(1, 2))
    def jacobi_1d(steps, a, b):
        for t in range(steps):
            b[1:-1] = (a[:-2] + a[1:-1] + a[2:]) / 3
            ...

The algorithms are those of the usual suites of scientific kernels. Every function returns a real scalar, is
smooth around its sample inputs, and may change its arguments: the tests compare what they hold afterwards.
`REFUSED` names the ones that are refused so far, each with the first words of the refusal.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from diffcompile.errors import DiffCompileError
from programs import Program, normal, uniform

KERNELS: list[Program] = []
# How a kernel that is not compiled may end: refused, or with an error; a failed comparison is neither.
Refusal = (DiffCompileError, TypeError, NameError, AttributeError, ValueError, LookupError, RecursionError)


def kernel(
    inputs: Callable[[], tuple[Any, ...]], wrt: int | tuple[int, ...] = 0, order2: bool = True
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Put a function in the zoo; the function itself is unchanged."""

    def register(fn: Callable[..., Any]) -> Callable[..., Any]:
        KERNELS.append(Program(fn.__name__, fn, inputs, wrt, order2))
        return fn

    return register


def positive_definite(n: int, seed: int = 0) -> np.ndarray:
    """A symmetric matrix far from singular."""
    a = normal(n, n, seed=seed)
    return a @ a.T + n * np.eye(n)


def dominant(n: int, seed: int = 0) -> np.ndarray:
    """A matrix that elimination without pivoting is stable for."""
    return normal(n, n, seed=seed) + 3 * n * np.eye(n)


# --- Stencils ------------------------------------------------------------------------------------------


@kernel(inputs=lambda: (3, normal(6), normal(6, seed=1)), wrt=(1, 2))
def jacobi_1d(steps, a, b):
    for t in range(1, steps):
        b[1:-1] = 0.33333 * (a[:-2] + a[1:-1] + a[2:])
        a[1:-1] = 0.33333 * (b[:-2] + b[1:-1] + b[2:])
    return np.sum(a**2) + np.sum(a * b)


@kernel(inputs=lambda: (3, normal(4, 5), normal(4, 5, seed=1)), wrt=(1, 2))
def jacobi_2d(steps, a, b):
    for t in range(1, steps):
        b[1:-1, 1:-1] = 0.2 * (a[1:-1, 1:-1] + a[1:-1, :-2] + a[1:-1, 2:] + a[2:, 1:-1] + a[:-2, 1:-1])
        a[1:-1, 1:-1] = 0.2 * (b[1:-1, 1:-1] + b[1:-1, :-2] + b[1:-1, 2:] + b[2:, 1:-1] + b[:-2, 1:-1])
    return np.sum(a**2) + np.sum(np.sin(b))


def heat_3d_step(target, source):
    target[1:-1, 1:-1, 1:-1] = (
        0.125 * (source[2:, 1:-1, 1:-1] - 2.0 * source[1:-1, 1:-1, 1:-1] + source[:-2, 1:-1, 1:-1])
        + 0.125 * (source[1:-1, 2:, 1:-1] - 2.0 * source[1:-1, 1:-1, 1:-1] + source[1:-1, :-2, 1:-1])
        + 0.125 * (source[1:-1, 1:-1, 2:] - 2.0 * source[1:-1, 1:-1, 1:-1] + source[1:-1, 1:-1, :-2])
        + source[1:-1, 1:-1, 1:-1]
    )


@kernel(inputs=lambda: (2, normal(3, 4, 3), normal(3, 4, 3, seed=1)), wrt=1)
def heat_3d(steps, a, b):
    for t in range(steps):
        heat_3d_step(b, a)
        heat_3d_step(a, b)
    return np.sum(a**2) + np.sum(a * b)


@kernel(inputs=lambda: (2, 4, normal(4, 4)), wrt=2)
def seidel_2d(steps, n, a):
    for t in range(steps):
        for i in range(1, n - 1):
            a[i, 1:-1] += a[i - 1, :-2] + a[i - 1, 1:-1] + a[i - 1, 2:] + a[i, 2:]
            a[i, 1:-1] += a[i + 1, :-2] + a[i + 1, 1:-1] + a[i + 1, 2:]
            for j in range(1, n - 1):
                a[i, j] += a[i, j - 1]
                a[i, j] /= 9.0
    return np.sum(a**2)


@kernel(
    inputs=lambda: (3, normal(4, 3), normal(4, 3, seed=1), normal(4, 3, seed=2), normal(3)), wrt=(1, 2, 3, 4)
)
def fdtd_2d(steps, ex, ey, hz, fict):
    for t in range(steps):
        ey[0, :] = fict[t]
        ey[1:, :] -= 0.5 * (hz[1:, :] - hz[:-1, :])
        ex[:, 1:] -= 0.5 * (hz[:, 1:] - hz[:, :-1])
        hz[:-1, :-1] -= 0.7 * (ex[:-1, 1:] - ex[:-1, :-1] + ey[1:, :-1] - ey[:-1, :-1])
    return np.sum(hz**2) + np.sum(ex * ey)


@kernel(inputs=lambda: (2, 4, normal(4, 4)), wrt=2)
def adi(steps, n, u):
    v = np.empty(u.shape, dtype=u.dtype)
    p = np.empty(u.shape, dtype=u.dtype)
    q = np.empty(u.shape, dtype=u.dtype)
    dx, dt = 1.0 / n, 1.0 / steps
    a, d = -2.0 * dt / dx**2 / 2.0, -1.0 * dt / dx**2 / 2.0
    b, e = 1.0 - 2 * a, 1.0 - 2 * d
    for t in range(steps):
        v[0, 1 : n - 1] = 1.0
        p[1 : n - 1, 0] = 0.0
        q[1 : n - 1, 0] = v[0, 1 : n - 1]
        for j in range(1, n - 1):
            p[1 : n - 1, j] = -a / (a * p[1 : n - 1, j - 1] + b)
            q[1 : n - 1, j] = (
                -d * u[j, 0 : n - 2]
                + (1.0 + 2.0 * d) * u[j, 1 : n - 1]
                - d * u[j, 2:n]
                - a * q[1 : n - 1, j - 1]
            ) / (a * p[1 : n - 1, j - 1] + b)
        v[n - 1, 1 : n - 1] = 1.0
        for j in range(n - 2, 0, -1):
            v[j, 1 : n - 1] = p[1 : n - 1, j] * v[j + 1, 1 : n - 1] + q[1 : n - 1, j]
        u[1 : n - 1, 0] = 1.0
        p[1 : n - 1, 0] = 0.0
        q[1 : n - 1, 0] = u[1 : n - 1, 0]
        for j in range(1, n - 1):
            p[1 : n - 1, j] = -d / (d * p[1 : n - 1, j - 1] + e)
            q[1 : n - 1, j] = (
                -a * v[0 : n - 2, j]
                + (1.0 + 2.0 * a) * v[1 : n - 1, j]
                - a * v[2:n, j]
                - d * q[1 : n - 1, j - 1]
            ) / (d * p[1 : n - 1, j - 1] + e)
        u[1 : n - 1, n - 1] = 1.0
        for j in range(n - 2, 0, -1):
            u[1 : n - 1, j] = p[1 : n - 1, j] * u[1 : n - 1, j + 1] + q[1 : n - 1, j]
    return np.sum(u**2)


@kernel(inputs=lambda: (normal(6, 6, 2), np.zeros((2, 2, 2)), uniform(2, 2, 2)), wrt=(0, 1, 2))
def horizontal_diffusion(in_field, out_field, coeff):
    ni, nj, nk = out_field.shape
    lap_field = 4.0 * in_field[1 : ni + 3, 1 : nj + 3, :] - (
        in_field[2 : ni + 4, 1 : nj + 3, :]
        + in_field[0 : ni + 2, 1 : nj + 3, :]
        + in_field[1 : ni + 3, 2 : nj + 4, :]
        + in_field[1 : ni + 3, 0 : nj + 2, :]
    )
    res = lap_field[1:, 1 : nj + 1, :] - lap_field[:-1, 1 : nj + 1, :]
    flx_field = np.where(
        (res * (in_field[2 : ni + 3, 2 : nj + 2, :] - in_field[1 : ni + 2, 2 : nj + 2, :])) > 0, 0, res
    )
    res = lap_field[1 : ni + 1, 1:, :] - lap_field[1 : ni + 1, :-1, :]
    fly_field = np.where(
        (res * (in_field[2 : ni + 2, 2 : nj + 3, :] - in_field[2 : ni + 2, 1 : nj + 2, :])) > 0, 0, res
    )
    out_field[:, :, :] = in_field[2 : ni + 2, 2 : nj + 2, :] - coeff * (
        flx_field[1:, :, :] - flx_field[:-1, :, :] + fly_field[:, 1:, :] - fly_field[:, :-1, :]
    )
    return np.sum(out_field**2)


@kernel(
    inputs=lambda: (
        normal(2, 2, 4), normal(2, 2, 4, seed=1), uniform(3, 2, 5), normal(2, 2, 4, seed=2), 0.3,
    ),
    wrt=(0, 1, 2, 3, 4),
)  # fmt: skip
def vertical_advection(utens_stage, u_stage, wcon, u_pos, dtr_stage):
    """Tridiagonal solves along k, for all columns at once."""
    bet_m, bet_p = 0.5, 0.5
    ni, nj, nk = utens_stage.shape
    ccol = np.ndarray((ni, nj, nk), dtype=utens_stage.dtype)
    dcol = np.ndarray((ni, nj, nk), dtype=utens_stage.dtype)
    data_col = np.ndarray((ni, nj), dtype=utens_stage.dtype)
    for k in range(1):
        gcv = 0.25 * (wcon[1:, :, k + 1] + wcon[:-1, :, k + 1])
        cs = gcv * bet_m
        ccol[:, :, k] = gcv * bet_p
        bcol = dtr_stage - ccol[:, :, k]
        correction_term = -cs * (u_stage[:, :, k + 1] - u_stage[:, :, k])
        dcol[:, :, k] = dtr_stage * u_pos[:, :, k] + utens_stage[:, :, k] + correction_term
        divided = 1.0 / bcol
        ccol[:, :, k] = ccol[:, :, k] * divided
        dcol[:, :, k] = dcol[:, :, k] * divided
    for k in range(1, nk - 1):
        gav = -0.25 * (wcon[1:, :, k] + wcon[:-1, :, k])
        gcv = 0.25 * (wcon[1:, :, k + 1] + wcon[:-1, :, k + 1])
        as_ = gav * bet_m
        cs = gcv * bet_m
        acol = gav * bet_p
        ccol[:, :, k] = gcv * bet_p
        bcol = dtr_stage - acol - ccol[:, :, k]
        correction_term = -as_ * (u_stage[:, :, k - 1] - u_stage[:, :, k]) - cs * (
            u_stage[:, :, k + 1] - u_stage[:, :, k]
        )
        dcol[:, :, k] = dtr_stage * u_pos[:, :, k] + utens_stage[:, :, k] + correction_term
        divided = 1.0 / (bcol - ccol[:, :, k - 1] * acol)
        ccol[:, :, k] = ccol[:, :, k] * divided
        dcol[:, :, k] = (dcol[:, :, k] - dcol[:, :, k - 1] * acol) * divided
    for k in range(nk - 1, nk):
        gav = -0.25 * (wcon[1:, :, k] + wcon[:-1, :, k])
        acol = gav * bet_p
        bcol = dtr_stage - acol
        correction_term = -gav * bet_m * (u_stage[:, :, k - 1] - u_stage[:, :, k])
        dcol[:, :, k] = dtr_stage * u_pos[:, :, k] + utens_stage[:, :, k] + correction_term
        divided = 1.0 / (bcol - ccol[:, :, k - 1] * acol)
        dcol[:, :, k] = (dcol[:, :, k] - dcol[:, :, k - 1] * acol) * divided
    for k in range(nk - 1, nk - 2, -1):
        datacol = dcol[:, :, k]
        data_col[:] = datacol
        utens_stage[:, :, k] = dtr_stage * (datacol - u_pos[:, :, k])
    for k in range(nk - 2, -1, -1):
        datacol = dcol[:, :, k] - ccol[:, :, k] * data_col[:, :]
        data_col[:] = datacol
        utens_stage[:, :, k] = dtr_stage * (datacol - u_pos[:, :, k])
    return np.sum(np.tanh(utens_stage))


def build_up_b(b, rho, dt, u, v, dx, dy):
    b[1:-1, 1:-1] = rho * (
        1 / dt * ((u[1:-1, 2:] - u[1:-1, 0:-2]) / (2 * dx) + (v[2:, 1:-1] - v[0:-2, 1:-1]) / (2 * dy))
        - ((u[1:-1, 2:] - u[1:-1, 0:-2]) / (2 * dx)) ** 2
        - 2 * ((u[2:, 1:-1] - u[0:-2, 1:-1]) / (2 * dy) * (v[1:-1, 2:] - v[1:-1, 0:-2]) / (2 * dx))
        - ((v[2:, 1:-1] - v[0:-2, 1:-1]) / (2 * dy)) ** 2
    )


def pressure_poisson(nit, p, dx, dy, b):
    pn = np.empty_like(p)
    pn[:] = p.copy()
    for q in range(nit):
        pn[:] = p.copy()
        p[1:-1, 1:-1] = (
            (pn[1:-1, 2:] + pn[1:-1, 0:-2]) * dy**2 + (pn[2:, 1:-1] + pn[0:-2, 1:-1]) * dx**2
        ) / (2 * (dx**2 + dy**2)) - dx**2 * dy**2 / (2 * (dx**2 + dy**2)) * b[1:-1, 1:-1]
        p[:, -1] = p[:, -2]
        p[0, :] = p[1, :]
        p[:, 0] = p[:, 1]
        p[-1, :] = 0


@kernel(
    inputs=lambda: (
        4,
        4,
        2,
        2,
        normal(4, 4) / 4,
        normal(4, 4, seed=1) / 4,
        normal(4, 4, seed=2) / 4,
        1.1,
        0.1,
    ),
    wrt=(4, 5, 6, 7, 8),
)
def cavity_flow(nx, ny, nt, nit, u, v, p, rho, nu):
    dx, dy, dt = 2 / (nx - 1), 2 / (ny - 1), 0.01
    un = np.empty_like(u)
    vn = np.empty_like(v)
    b = np.zeros((ny, nx))
    for n in range(nt):
        un[:] = u.copy()
        vn[:] = v.copy()
        build_up_b(b, rho, dt, u, v, dx, dy)
        pressure_poisson(nit, p, dx, dy, b)
        u[1:-1, 1:-1] = (
            un[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (un[1:-1, 1:-1] - un[1:-1, 0:-2])
            - vn[1:-1, 1:-1] * dt / dy * (un[1:-1, 1:-1] - un[0:-2, 1:-1])
            - dt / (2 * rho * dx) * (p[1:-1, 2:] - p[1:-1, 0:-2])
            + nu
            * (
                dt / dx**2 * (un[1:-1, 2:] - 2 * un[1:-1, 1:-1] + un[1:-1, 0:-2])
                + dt / dy**2 * (un[2:, 1:-1] - 2 * un[1:-1, 1:-1] + un[0:-2, 1:-1])
            )
        )
        v[1:-1, 1:-1] = (
            vn[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (vn[1:-1, 1:-1] - vn[1:-1, 0:-2])
            - vn[1:-1, 1:-1] * dt / dy * (vn[1:-1, 1:-1] - vn[0:-2, 1:-1])
            - dt / (2 * rho * dy) * (p[2:, 1:-1] - p[0:-2, 1:-1])
            + nu
            * (
                dt / dx**2 * (vn[1:-1, 2:] - 2 * vn[1:-1, 1:-1] + vn[1:-1, 0:-2])
                + dt / dy**2 * (vn[2:, 1:-1] - 2 * vn[1:-1, 1:-1] + vn[0:-2, 1:-1])
            )
        )
        u[0, :] = 0
        u[:, 0] = 0
        u[:, -1] = 0
        u[-1, :] = 1
        v[0, :] = 0
        v[-1, :] = 0
        v[:, 0] = 0
        v[:, -1] = 0
    return np.sum(u**2) + np.sum(v**2) + np.sum(p**2)


@kernel(inputs=lambda: (normal(4, 4) / 4, normal(4, 4, seed=1) / 4, 0.1, 1.0, 1e-1), wrt=(0, 1, 2, 3))
def channel_flow(u, p, nu, force, tolerance):
    """Periodic in x; runs until the mean velocity settles."""
    dx, dt, udiff, steps = 0.5, 0.02, 1.0, 0
    un = u.copy()
    while udiff > tolerance and steps < 5:
        un[:] = u
        u[1:-1, 1:-1] = (
            un[1:-1, 1:-1]
            - un[1:-1, 1:-1] * dt / dx * (un[1:-1, 1:-1] - un[1:-1, :-2])
            - dt / (2 * dx) * (p[1:-1, 2:] - p[1:-1, :-2])
            + nu * dt / dx**2 * (un[1:-1, 2:] - 2 * un[1:-1, 1:-1] + un[1:-1, :-2])
            + force * dt
        )
        u[1:-1, -1] = un[1:-1, -1] - un[1:-1, -1] * dt / dx * (un[1:-1, -1] - un[1:-1, -2]) + force * dt
        u[1:-1, 0] = un[1:-1, 0] - un[1:-1, 0] * dt / dx * (un[1:-1, 0] - un[1:-1, -1]) + force * dt
        u[0, :] = 0
        u[-1, :] = 0
        udiff = abs((np.sum(u) - np.sum(un)) / np.sum(u))
        steps += 1
    return np.sum(u**2) * steps


@kernel(inputs=lambda: (normal(6), 0.6, 4), wrt=(0, 1))
def wave_in_three_buffers(start, courant, steps):
    before, now, after = start.copy(), start.copy(), np.zeros_like(start)
    for _ in range(steps):
        after[1:-1] = 2 * now[1:-1] - before[1:-1] + courant**2 * (now[2:] - 2 * now[1:-1] + now[:-2])
        before, now, after = now, after, before
    return np.sum(now**2) + now @ before


@kernel(inputs=lambda: (uniform(6), 0.05, 3), wrt=(0, 1))
def burgers_upwind_with_two_buffers(u, nu, steps):
    v = np.empty_like(u)
    for _ in range(steps):
        v[1:-1] = u[1:-1] - 0.1 * u[1:-1] * (u[1:-1] - u[:-2]) + nu * (u[2:] - 2 * u[1:-1] + u[:-2])
        v[0] = v[-2]
        v[-1] = v[1]
        u, v = v, u
    return np.sum(u**3)


@kernel(inputs=lambda: (uniform(5, 5), uniform(5, 5, seed=1), 0.04, 0.06), wrt=(0, 1, 2, 3))
def gray_scott(big_u, big_v, feed, kill):
    u, v = big_u[1:-1, 1:-1], big_v[1:-1, 1:-1]
    for _ in range(2):
        lu = big_u[:-2, 1:-1] + big_u[1:-1, :-2] - 4 * u + big_u[1:-1, 2:] + big_u[2:, 1:-1]
        lv = big_v[:-2, 1:-1] + big_v[1:-1, :-2] - 4 * v + big_v[1:-1, 2:] + big_v[2:, 1:-1]
        uvv = u * v * v
        u += 0.16 * lu - uvv + feed * (1 - u)
        v += 0.08 * lv + uvv - (feed + kill) * v
        for z in (big_u, big_v):
            z[0, :], z[-1, :] = z[-2, :], z[1, :]
            z[:, 0], z[:, -1] = z[:, -2], z[:, 1]
    return np.sum(u * v) + np.sum(big_v**2)


@kernel(inputs=lambda: (uniform(3, 6), 1.3), wrt=(0, 1))
def lattice_boltzmann_1d(f, omega):
    weights, speeds = np.array([4 / 6, 1 / 6, 1 / 6]), np.array([0, 1, -1])
    feq = np.zeros_like(f)
    for _ in range(3):
        rho = np.sum(f, axis=0)
        u = (f[1] - f[2]) / rho
        for i in range(3):
            cu = speeds[i] * u
            feq[i, :] = weights[i] * rho * (1 + 3 * cu + 4.5 * cu**2 - 1.5 * u**2)
        f += -omega * (f - feq)
        for i in range(3):
            f[i, :] = np.roll(f[i, :], speeds[i])
    return np.sum(f[1] ** 2) + np.sum(f[2] * f[0])


@kernel(inputs=lambda: (normal(8), 2), wrt=0)
def multigrid_smoothing(x, sweeps):
    """Red and black points alternate; the residual is restricted to a coarser grid."""
    coarse = np.zeros(len(x) // 2)
    for _ in range(sweeps):
        x[1:-1:2] = 0.5 * (x[:-2:2] + x[2::2])
        x[2:-1:2] = 0.5 * (x[1:-2:2] + x[3::2])
    for i in range(1, len(coarse)):
        coarse[i] = 0.25 * (x[2 * i - 1] + 2 * x[2 * i]) + 0.1 * coarse[i - 1] ** 2
    x[::2] += coarse
    return np.sum(x**2)


# --- Products of matrices and vectors ------------------------------------------------------------------


@kernel(
    inputs=lambda: (1.5, 1.2, normal(3, 2), normal(3, 4, seed=1), normal(4, 2, seed=2)), wrt=(0, 1, 2, 3, 4)
)
def gemm(alpha, beta, c, a, b):
    for i in range(c.shape[0]):
        for j in range(c.shape[1]):
            c[i, j] *= beta
        for k in range(a.shape[1]):
            for j in range(c.shape[1]):
                c[i, j] += alpha * a[i, k] * b[k, j]
    return np.sum(c**2)


@kernel(
    inputs=lambda: (
        1.5, 1.2, normal(3, 3), normal(3), normal(3, seed=1), normal(3, seed=2), normal(3, seed=3),
        np.zeros(3), np.zeros(3), normal(3, seed=4), normal(3, seed=5),
    ),
    wrt=(0, 1, 2, 3, 4, 5, 6, 9, 10),
)  # fmt: skip
def gemver(alpha, beta, a, u1, v1, u2, v2, w, x, y, z):
    a += np.outer(u1, v1) + np.outer(u2, v2)
    x += beta * y @ a + z
    w += alpha * a @ x
    return w @ w


@kernel(
    inputs=lambda: (1.5, 1.2, normal(3, 3), normal(3, 3, seed=1), normal(3), np.zeros(3)), wrt=(0, 1, 2, 3, 4)
)
def gesummv(alpha, beta, a, b, x, y):
    tmp = np.zeros(len(x))
    for i in range(len(x)):
        for j in range(len(x)):
            tmp[i] = a[i, j] * x[j] + tmp[i]
            y[i] = b[i, j] * x[j] + y[i]
        y[i] = alpha * tmp[i] + beta * y[i]
    return np.sum(y**2)


@kernel(
    inputs=lambda: (1.5, 1.2, normal(3, 2), normal(3, 3, seed=1), normal(3, 2, seed=2)), wrt=(0, 1, 2, 3, 4)
)
def symm(alpha, beta, c, a, b):
    temp2 = np.empty((c.shape[1],), dtype=c.dtype)
    c *= beta
    for i in range(c.shape[0]):
        for j in range(c.shape[1]):
            c[:i, j] += alpha * b[i, j] * a[i, :i]
            temp2[j] = b[:i, j] @ a[i, :i]
        c[i, :] += alpha * b[i, :] * a[i, i] + alpha * temp2
    return np.sum(c**2)


@kernel(inputs=lambda: (1.5, 1.2, normal(3, 3), normal(3, 2, seed=1)), wrt=(0, 1, 2, 3))
def syrk(alpha, beta, c, a):
    for i in range(a.shape[0]):
        c[i, : i + 1] *= beta
        for k in range(a.shape[1]):
            c[i, : i + 1] += alpha * a[i, k] * a[: i + 1, k]
    return np.sum(c**2)


@kernel(
    inputs=lambda: (1.5, 1.2, normal(3, 3), normal(3, 2, seed=1), normal(3, 2, seed=2)), wrt=(0, 1, 2, 3, 4)
)
def syr2k(alpha, beta, c, a, b):
    for i in range(a.shape[0]):
        c[i, : i + 1] *= beta
        for k in range(a.shape[1]):
            c[i, : i + 1] += a[: i + 1, k] * alpha * b[i, k] + b[: i + 1, k] * alpha * a[i, k]
    return np.sum(c**2)


@kernel(inputs=lambda: (1.5, normal(3, 3), normal(3, 2, seed=1)), wrt=(0, 1, 2))
def trmm(alpha, a, b):
    for i in range(b.shape[0]):
        for j in range(b.shape[1]):
            b[i, j] += np.dot(a[i + 1 :, i], b[i + 1 :, j])
    b *= alpha
    return np.sum(b**2)


@kernel(inputs=lambda: (normal(3, 4), normal(4, seed=1)), wrt=(0, 1))
def atax(a, x):
    y = np.zeros(a.shape[1])
    tmp = np.zeros(a.shape[0])
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            tmp[i] += a[i, j] * x[j]
        for j in range(a.shape[1]):
            y[j] = y[j] + a[i, j] * tmp[i]
    return np.sum(np.sin(y))


@kernel(inputs=lambda: (normal(4, 3), normal(3, seed=1), normal(4, seed=2)), wrt=(0, 1, 2))
def bicg(a, p, r):
    s = np.zeros(a.shape[1])
    q = np.zeros(a.shape[0])
    for i in range(a.shape[0]):
        s[:] += r[i] * a[i, :]
        q[i] = np.dot(a[i, :], p)
    return s @ s + np.sum(q**3)


@kernel(
    inputs=lambda: (normal(3, 3), normal(3, seed=1), normal(3, seed=2), normal(3, seed=3), normal(3, seed=4)),
    wrt=(0, 1, 2, 3, 4),
)
def mvt(a, x1, x2, y_1, y_2):
    x1 += a @ y_1
    x2 += y_2 @ a
    return np.sum(x1**2) + np.sum(x2**3)


@kernel(inputs=lambda: (2, 2, 3, normal(2, 2, 3), normal(3, 3, seed=1)), wrt=(3, 4))
def doitgen(nr, nq, np_, a, c4):
    total = np.zeros(np_)
    for r in range(nr):
        for q in range(nq):
            for p in range(np_):
                total[p] = 0.0
                for s in range(np_):
                    total[p] += a[r, q, s] * c4[s, p]
            a[r, q, :] = total
    return np.sum(a**2)


@kernel(
    inputs=lambda: (1.5, 1.2, normal(2, 3), normal(3, 2, seed=1), normal(2, 3, seed=2), normal(2, 3, seed=3)),
    wrt=(0, 1, 2, 3, 4, 5),
)
def two_matrix_products(alpha, beta, a, b, c, d):
    tmp = np.zeros((a.shape[0], b.shape[1]))
    np.matmul(a, b, out=tmp)
    tmp *= alpha
    d[:] = tmp @ c + beta * d
    return np.sum(d**2)


@kernel(
    inputs=lambda: (np.array([0, 2, 3, 5]), np.array([0, 2, 1, 0, 2]), normal(5), normal(3, seed=1)),
    wrt=(2, 3),
)
def sparse_matrix_vector(row, col, val, x):
    y = np.empty(row.size - 1, val.dtype)
    for i in range(row.size - 1):
        cols = col[row[i] : row[i + 1]]
        vals = val[row[i] : row[i + 1]]
        y[i] = vals @ x[cols]
    return np.sum(y**2)


@kernel(
    inputs=lambda: (np.array([0, 2, 3, 5]), np.array([0, 2, 1, 0, 2]), normal(5), normal(3, seed=1)),
    wrt=(2, 3),
)
def sparse_matrix_transposed_vector(indptr, indices, data, x):
    y = np.zeros(3)
    for i in range(len(indptr) - 1):
        for k in range(indptr[i], indptr[i + 1]):
            y[indices[k]] += data[k] * x[i]
    return np.sum(np.tanh(y))


@kernel(
    inputs=lambda: (normal(2, 2, 3, 3), normal(2, 2, 3, 3, seed=1), np.array([0, 1]), np.zeros((2, 2, 3, 3))),
    wrt=(0, 1),
)
def scattering_self_energies(g, d, neighbours, sigma):
    for k in range(g.shape[0]):
        for e in range(g.shape[1]):
            for q in range(d.shape[0]):
                for w in range(d.shape[1]):
                    if e - w >= 0:
                        hg = g[k, e - w] @ d[q, w]
                        hd = np.einsum("ij,jk->ik", hg, d[neighbours[q], w])
                        sigma[k, e] += hg * 0.1 + hd @ g[k, e]
    return np.sum(np.sin(sigma))


# --- Factorisations and solvers ------------------------------------------------------------------------


@kernel(inputs=lambda: (dominant(4),))
def lu(a):
    for i in range(a.shape[0]):
        for j in range(i):
            a[i, j] -= a[i, :j] @ a[:j, j]
            a[i, j] /= a[j, j]
        for j in range(i, a.shape[0]):
            a[i, j] -= a[i, :i] @ a[:i, j]
    return np.sum(np.log(np.abs(np.diag(a)))) + a[3, 0] * a[0, 3]


@kernel(inputs=lambda: (dominant(3), normal(3, seed=1)), wrt=(0, 1))
def ludcmp(a, b):
    n = len(b)
    x = np.zeros(n)
    y = np.zeros(n)
    for i in range(n):
        for j in range(i):
            w = a[i, j]
            for k in range(j):
                w -= a[i, k] * a[k, j]
            a[i, j] = w / a[j, j]
        for j in range(i, n):
            w = a[i, j]
            for k in range(i):
                w -= a[i, k] * a[k, j]
            a[i, j] = w
    for i in range(n):
        w = b[i]
        for j in range(i):
            w -= a[i, j] * y[j]
        y[i] = w
    for i in range(n - 1, -1, -1):
        w = y[i]
        for j in range(i + 1, n):
            w -= a[i, j] * x[j]
        x[i] = w / a[i, i]
    return np.sum(x**2) + np.sum(y)


@kernel(inputs=lambda: (positive_definite(4),))
def cholesky(a):
    a[0, 0] = np.sqrt(a[0, 0])
    for i in range(1, a.shape[0]):
        for j in range(i):
            a[i, j] -= np.dot(a[i, :j], a[j, :j])
            a[i, j] /= a[j, j]
        a[i, i] -= np.dot(a[i, :i], a[i, :i])
        a[i, i] = np.sqrt(a[i, i])
    return np.sum(np.log(np.diag(a))) + np.sum(np.tril(a) ** 2)


@kernel(inputs=lambda: (normal(4, 3),))
def gramschmidt(a):
    q = np.zeros_like(a)
    r = np.zeros((a.shape[1], a.shape[1]), dtype=a.dtype)
    for k in range(a.shape[1]):
        nrm = np.dot(a[:, k], a[:, k])
        r[k, k] = np.sqrt(nrm)
        q[:, k] = a[:, k] / r[k, k]
        for j in range(k + 1, a.shape[1]):
            r[k, j] = np.dot(q[:, k], a[:, j])
            a[:, j] -= q[:, k] * r[k, j]
    return np.sum(q[0] * np.arange(3.0)) + np.sum(r**3)


@kernel(inputs=lambda: (np.array([0.4, -0.2, 0.1, 0.05]),))
def durbin(r):
    y = np.empty_like(r)
    alpha = -r[0]
    beta = 1.0
    y[0] = -r[0]
    for k in range(1, r.shape[0]):
        beta *= 1.0 - alpha * alpha
        alpha = -(r[k] + np.dot(np.flip(r[:k]), y[:k])) / beta
        y[:k] += alpha * np.flip(y[:k])
        y[k] = alpha
    return np.sum(y**2)


@kernel(inputs=lambda: (np.array([2.0, 0.4, -0.2, 0.1]), normal(4)), wrt=(0, 1))
def levinson(r, y):
    """Solve a Toeplitz system with two growing vectors."""
    n = len(y)
    f, x = np.zeros(n), np.zeros(n)
    f[0] = 1 / r[0]
    x[0] = y[0] / r[0]
    for k in range(1, n):
        error = 0.0
        for i in range(k):
            error += r[k - i] * f[i]
        old = f[: k + 1].copy()
        scale = 1 / (1 - error**2)
        f[: k + 1] = scale * old - scale * error * old[::-1]
        miss = y[k] - sum(r[k - i] * x[i] for i in range(k))
        x[: k + 1] += miss * f[: k + 1][::-1]
    return np.sum(x**2)


@kernel(inputs=lambda: (dominant(4), np.zeros(4), normal(4, seed=1)), wrt=(0, 2))
def trisolv(lower, x, b):
    for i in range(x.shape[0]):
        x[i] = (b[i] - lower[i, :i] @ x[:i]) / lower[i, i]
    return np.sum(np.exp(x))


@kernel(inputs=lambda: (uniform(4), 4 + uniform(5), uniform(4, seed=1), normal(5)), wrt=(0, 1, 2, 3))
def thomas_in_place(a, b, c, d):
    n = len(d)
    for i in range(1, n):
        w = a[i - 1] / b[i - 1]
        b[i] -= w * c[i - 1]
        d[i] -= w * d[i - 1]
    d[-1] /= b[-1]
    for i in range(n - 2, -1, -1):
        d[i] = (d[i] - c[i] * d[i + 1]) / b[i]
    return np.sum(d**2)


@kernel(inputs=lambda: (normal(3, 3) + np.eye(3), normal(3, seed=1)), wrt=(0, 1))
def gaussian_elimination_with_pivoting(a, b):
    n = len(b)
    for k in range(n):
        pivot = k + int(np.argmax(np.abs(a[k:, k])))
        if pivot != k:
            a[[k, pivot]] = a[[pivot, k]]
            b[k], b[pivot] = b[pivot], b[k]
        for i in range(k + 1, n):
            factor = a[i, k] / a[k, k]
            a[i, k:] -= factor * a[k, k:]
            b[i] -= factor * b[k]
    x = np.zeros(n)
    for i in reversed(range(n)):
        x[i] = (b[i] - a[i, i + 1 :] @ x[i + 1 :]) / a[i, i]
    return x @ x


@kernel(inputs=lambda: (normal(4, 3),))
def householder(a):
    """R in place of A; the reflections are applied to what is below and to the right."""
    m, n = a.shape
    for k in range(n):
        v = a[k:, k].copy()
        v[0] += np.sign(v[0]) * np.sqrt(v @ v)
        v /= np.sqrt(v @ v)
        a[k:, k:] -= 2.0 * np.outer(v, v @ a[k:, k:])
    return np.sum(np.diag(a) ** 2 * np.arange(1.0, 4.0)) + a[0, 2] ** 3


@kernel(inputs=lambda: (normal(3, 3),))
def givens_rotations(r):
    for j in range(2):
        for i in range(2, j, -1):
            length = np.hypot(r[i - 1, j], r[i, j])
            c, s = r[i - 1, j] / length, r[i, j] / length
            upper, lower = r[i - 1].copy(), r[i].copy()
            r[i - 1] = c * upper + s * lower
            r[i] = c * lower - s * upper
    return r[0, 0] * r[1, 2] + np.sum(r**2 * np.arange(9.0).reshape(3, 3))


@kernel(inputs=lambda: (positive_definite(3),))
def jacobi_eigenvalues(a):
    n = a.shape[0]
    v = np.eye(n)
    for _ in range(2):
        for p in range(n - 1):
            for q in range(p + 1, n):
                theta = (a[q, q] - a[p, p]) / (2 * a[p, q])
                t = np.sign(theta) / (abs(theta) + np.sqrt(theta**2 + 1))
                c = 1 / np.sqrt(t**2 + 1)
                s = t * c
                ap, aq = a[:, p].copy(), a[:, q].copy()
                a[:, p], a[:, q] = c * ap - s * aq, s * ap + c * aq
                ap, aq = a[p, :].copy(), a[q, :].copy()
                a[p, :], a[q, :] = c * ap - s * aq, s * ap + c * aq
                vp = v[:, p].copy()
                v[:, p] = c * vp - s * v[:, q]
                v[:, q] = s * vp + c * v[:, q]
    return np.sum(np.diag(a) * np.array([1.0, 2.0, 3.0])) + v[0, 1]


@kernel(inputs=lambda: (positive_definite(4), normal(4, seed=1)), wrt=(0, 1))
def conjugate_gradient_in_place(a, b):
    x = np.zeros_like(b)
    r = b - a @ x
    p = r.copy()
    rs = r @ r
    for _ in range(3):
        ap = a @ p
        alpha = rs / (p @ ap)
        x += alpha * p
        r -= alpha * ap
        rs_old, rs = rs, r @ r
        p *= rs / rs_old
        p += r
    return np.sum(x) + x @ x


@kernel(inputs=lambda: (dominant(4), normal(4, seed=1), 1.1), wrt=(0, 1, 2))
def successive_over_relaxation(a, b, omega):
    x = np.zeros(len(b))
    for _ in range(3):
        for i in range(len(b)):
            sigma = 0.0
            for j in range(len(b)):
                if j != i:
                    sigma += a[i, j] * x[j]
            x[i] += omega * ((b[i] - sigma) / a[i, i] - x[i])
    return np.sum(x**2)


@kernel(inputs=lambda: (positive_definite(3), normal(3, seed=1)), wrt=(0, 1))
def power_iteration_in_place(a, v):
    for _ in range(5):
        v[:] = a @ v
        v /= np.linalg.norm(v)
    return v @ a @ v + v[0]


@kernel(inputs=lambda: (positive_definite(4), normal(4, seed=1)), wrt=(0, 1))
def lanczos(a, start):
    m = 3
    basis = np.zeros((m + 1, len(start)))
    alpha, beta = np.zeros(m), np.zeros(m + 1)
    basis[0] = start / np.sqrt(start @ start)
    for j in range(m):
        w = a @ basis[j]
        if j > 0:
            w -= beta[j] * basis[j - 1]
        alpha[j] = w @ basis[j]
        w -= alpha[j] * basis[j]
        beta[j + 1] = np.sqrt(w @ w)
        basis[j + 1] = w / beta[j + 1]
    return np.sum(alpha**2) + np.sum(beta)


@kernel(inputs=lambda: (normal(3, 3), normal(3, seed=1)), wrt=(0, 1))
def arnoldi(a, start):
    q = np.zeros((3, 3))
    h = np.zeros((3, 2))
    q[:, 0] = start / np.linalg.norm(start)
    for k in range(2):
        v = a @ q[:, k]
        for j in range(k + 1):
            h[j, k] = q[:, j] @ v
            v -= h[j, k] * q[:, j]
        h[k + 1, k] = np.linalg.norm(v)
        q[:, k + 1] = v / h[k + 1, k]
    return np.sum(h**2) + q[2, 2]


@kernel(inputs=lambda: (dominant(3),))
def inverse_by_gauss_jordan(a):
    n = a.shape[0]
    augmented = np.zeros((n, 2 * n))
    augmented[:, :n] = a
    augmented[np.arange(n), np.arange(n) + n] = 1.0
    for i in range(n):
        augmented[i] /= augmented[i, i]
        for j in range(n):
            if j != i:
                augmented[j] -= augmented[j, i] * augmented[i]
    return np.sum(augmented[:, n:] ** 2)


# --- Statistics and accumulation -----------------------------------------------------------------------


@kernel(inputs=lambda: (4.0, normal(4, 3)), wrt=1)
def correlation(float_n, data):
    mean = np.mean(data, axis=0)
    stddev = np.std(data, axis=0)
    stddev[stddev <= 0.1] = 1.0
    data -= mean
    data /= np.sqrt(float_n) * stddev
    corr = np.eye(data.shape[1], dtype=data.dtype)
    for i in range(data.shape[1] - 1):
        corr[i + 1 :, i] = corr[i, i + 1 :] = data[:, i] @ data[:, i + 1 :]
    return np.sum(corr**2)


@kernel(inputs=lambda: (4.0, normal(4, 3)), wrt=1)
def covariance(float_n, data):
    mean = np.mean(data, axis=0)
    data -= mean
    cov = np.zeros((data.shape[1], data.shape[1]), dtype=data.dtype)
    for i in range(data.shape[1]):
        cov[i:, i] = data[:, i] @ data[:, i:] / (float_n - 1.0)
        cov[i, i:] = data[:, i] @ data[:, i:] / (float_n - 1.0)
    return np.sum(np.tanh(cov))


@kernel(inputs=lambda: (normal(8), np.array([0, 2, 1, 2, 0, 1, 2, 2]), 3))
def histogram_by_hand(weights, bins, n):
    hist = np.zeros(n)
    for k in range(len(weights)):
        hist[bins[k]] += weights[k] ** 2
    return np.sum(np.log(hist))


@kernel(inputs=lambda: (normal(8), np.array([0, 2, 1, 2, 0, 1, 2, 2]), 3))
def histogram_with_add_at(weights, bins, n):
    hist = np.zeros(n)
    np.add.at(hist, bins, weights**2)
    return np.sum(np.log(hist))


@kernel(inputs=lambda: (normal(8), np.linspace(0.0, 1.0, 8), 4), wrt=0)
def azimuthal_integration(data, radius, npt):
    histu, histw = np.zeros(npt), np.zeros(npt)
    for i in range(npt):
        mask = (radius >= i / npt) & (radius < (i + 1) / npt)
        on_values = data[mask]
        histw[i] = np.sum(on_values**2)
        histu[i] = on_values.size
    histu[histu == 0] = 1.0
    return np.sum(np.sqrt(1.0 + histw / histu))


@kernel(inputs=lambda: (normal(6, 2), normal(2, 2, seed=1)), wrt=(0, 1))
def k_means_step(points, centres):
    sums, counts = np.zeros_like(centres), np.zeros(len(centres))
    for p in points:
        distances = np.sum((centres - p) ** 2, axis=1)
        k = int(np.argmin(distances))
        sums[k] += p
        counts[k] += 1
    for k in range(len(centres)):
        if counts[k] > 0:
            centres[k] = 0.9 * sums[k] / counts[k] + 0.1 * centres[k]
    return np.sum(centres**3)


@kernel(inputs=lambda: (normal(6),))
def welford(samples):
    mean, m2 = np.zeros(1), np.zeros(1)
    for k, x in enumerate(samples, 1):
        delta = x - mean
        mean += delta / k
        m2 += delta * (x - mean)
    return (m2 / len(samples))[0] * mean[0]


@kernel(inputs=lambda: (normal(7), 3))
def moving_average_with_rolling_buffer(x, width):
    buf = np.zeros(width)
    out = np.empty_like(x)
    for i in range(len(x)):
        buf[:-1] = buf[1:]
        buf[-1] = x[i]
        out[i] = np.mean(buf**2)
    return np.sum(out * np.arange(7.0))


@kernel(inputs=lambda: (normal(7), 3))
def ring_buffer(x, size):
    ring = np.zeros(size)
    total = 0.0
    for i, value in enumerate(x):
        oldest = ring[i % size]
        ring[i % size] = value
        total += oldest * value + np.max(ring)
    return total


# --- Dynamic programming -------------------------------------------------------------------------------


@kernel(inputs=lambda: (uniform(4, 4),))
def floyd_warshall(path):
    for k in range(path.shape[0]):
        path[:] = np.minimum(path[:], np.add.outer(path[:, k], path[k, :]))
    return np.sum(path**2)


@kernel(inputs=lambda: (uniform(4, 4),))
def floyd_warshall_by_elements(path):
    n = len(path)
    for k in range(n):
        for i in range(n):
            for j in range(n):
                if path[i, k] + path[k, j] < path[i, j]:
                    path[i, j] = path[i, k] + path[k, j]
    return np.sum(path**2)


@kernel(inputs=lambda: (uniform(5, 5),))
def nussinov(pairing):
    n = len(pairing)
    table = np.zeros((n, n))
    for i in range(n - 1, -1, -1):
        for j in range(i + 1, n):
            if j - 1 >= 0:
                table[i, j] = max(table[i, j], table[i, j - 1])
            if i + 1 < n:
                table[i, j] = max(table[i, j], table[i + 1, j])
            if j - 1 >= 0 and i + 1 < n:
                gain = pairing[i, j] if i < j - 1 else 0.0
                table[i, j] = max(table[i, j], table[i + 1, j - 1] + gain)
            for k in range(i + 1, j):
                table[i, j] = max(table[i, j], table[i, k] + table[k + 1, j])
    return table[0, n - 1] ** 2 + np.sum(np.triu(table))


@kernel(inputs=lambda: (normal(4, 3), 0.4), wrt=(0, 1))
def soft_needleman_wunsch(score, gap):
    n, m = score.shape
    table = np.zeros((n + 1, m + 1))
    table[1:, 0] = -gap * np.arange(1, n + 1)
    table[0, 1:] = -gap * np.arange(1, m + 1)
    for i in range(1, n + 1):
        for j in range(1, m + 1):
            options = np.array(
                [table[i - 1, j - 1] + score[i - 1, j - 1], table[i - 1, j] - gap, table[i, j - 1] - gap]
            )
            table[i, j] = np.log(np.sum(np.exp(options)))
    return table[-1, -1]


@kernel(inputs=lambda: (normal(4), normal(5, seed=1)), wrt=(0, 1))
def dynamic_time_warping(x, y):
    cost = np.full((len(x) + 1, len(y) + 1), np.inf)
    cost[0, 0] = 0.0
    for i in range(1, len(x) + 1):
        for j in range(1, len(y) + 1):
            step = min(cost[i - 1, j], cost[i, j - 1], cost[i - 1, j - 1])
            cost[i, j] = (x[i - 1] - y[j - 1]) ** 2 + step
    return cost[-1, -1]


@kernel(inputs=lambda: (normal(3, 3), normal(3, 2, seed=1), np.array([0, 1, 1, 0])), wrt=(0, 1))
def hidden_markov_table(transition, emission, symbols):
    steps, states = len(symbols), len(transition)
    alpha = np.empty((steps, states))
    alpha[0] = emission[:, symbols[0]]
    for t in range(1, steps):
        for j in range(states):
            terms = alpha[t - 1] + transition[:, j]
            top = np.max(terms)
            alpha[t, j] = top + np.log(np.sum(np.exp(terms - top))) + emission[j, symbols[t]]
    return np.log(np.sum(np.exp(alpha[-1])))


@kernel(inputs=lambda: (normal(3, 3), normal(3, 2, seed=1), np.array([0, 1, 1, 0])), wrt=(0, 1))
def viterbi(transition, emission, symbols):
    steps, states = len(symbols), len(transition)
    best = np.zeros((steps, states))
    back = np.zeros((steps, states), dtype=int)
    best[0] = emission[:, symbols[0]]
    for t in range(1, steps):
        for j in range(states):
            scores = best[t - 1] + transition[:, j]
            back[t, j] = np.argmax(scores)
            best[t, j] = scores[back[t, j]] + emission[j, symbols[t]]
    state = int(np.argmax(best[-1]))
    total = best[-1, state]
    for t in range(steps - 1, 0, -1):
        state = back[t, state]
        total += 0.1 * emission[state, symbols[t]] ** 2
    return total


@kernel(inputs=lambda: (np.array([1.3, 2.25, 0.9]), [2, 3, 1], 5))
def knapsack(values, weights, capacity):
    best = np.zeros(capacity + 1)
    for value, weight in zip(values, weights):
        for c in range(capacity, weight - 1, -1):
            best[c] = max(best[c], best[c - weight] + value)
    return best[-1] ** 2 + np.sum(best)


@kernel(inputs=lambda: (normal(5, 5),))
def integral_image(image):
    h, w = image.shape
    table = np.zeros((h + 1, w + 1))
    for y in range(h):
        row = 0.0
        for x in range(w):
            row += image[y, x]
            table[y + 1, x + 1] = table[y, x + 1] + row
    inner = table[4, 4] - table[1, 4] - table[4, 1] + table[1, 1]
    return inner**2 + np.sum(np.sin(table))


# --- Signals -------------------------------------------------------------------------------------------


@kernel(inputs=lambda: (0.25, normal(4, 5)), wrt=(0, 1))
def deriche(alpha, image):
    k = (1.0 - np.exp(-alpha)) ** 2 / (1.0 + alpha * np.exp(-alpha) - np.exp(2.0 * alpha))
    a1 = a5 = k
    a2 = a6 = k * np.exp(-alpha) * (alpha - 1.0)
    a3 = a7 = k * np.exp(-alpha) * (alpha + 1.0)
    a4 = a8 = -k * np.exp(-2.0 * alpha)
    b1 = 2.0 ** (-alpha)
    b2 = -np.exp(-2.0 * alpha)
    y1 = np.empty_like(image)
    y1[:, 0] = a1 * image[:, 0]
    y1[:, 1] = a1 * image[:, 1] + a2 * image[:, 0] + b1 * y1[:, 0]
    for j in range(2, image.shape[1]):
        y1[:, j] = a1 * image[:, j] + a2 * image[:, j - 1] + b1 * y1[:, j - 1] + b2 * y1[:, j - 2]
    y2 = np.empty_like(image)
    y2[:, -1] = 0.0
    y2[:, -2] = a3 * image[:, -1]
    for j in range(image.shape[1] - 3, -1, -1):
        y2[:, j] = a3 * image[:, j + 1] + a4 * image[:, j + 2] + b1 * y2[:, j + 1] + b2 * y2[:, j + 2]
    out = y1 + y2
    y1[0, :] = a5 * out[0, :]
    y1[1, :] = a5 * out[1, :] + a6 * out[0, :] + b1 * y1[0, :]
    for i in range(2, image.shape[0]):
        y1[i, :] = a5 * out[i, :] + a6 * out[i - 1, :] + b1 * y1[i - 1, :] + b2 * y1[i - 2, :]
    y2[-1, :] = 0.0
    y2[-2, :] = a7 * out[-1, :]
    for i in range(image.shape[0] - 3, -1, -1):
        y2[i, :] = a7 * out[i + 1, :] + a8 * out[i + 2, :] + b1 * y2[i + 1, :] + b2 * y2[i + 2, :]
    return np.sum(np.tanh(y1 + y2))


def fft_of(x):
    n = len(x)
    if n == 1:
        return x
    even, odd = fft_of(x[0::2]), fft_of(x[1::2])
    twiddle = np.exp(-2j * np.pi * np.arange(n // 2) / n)
    out = np.zeros(n, dtype=complex)
    out[: n // 2] = even + twiddle * odd
    out[n // 2 :] = even - twiddle * odd
    return out


@kernel(inputs=lambda: (normal(8),))
def fast_fourier_transform(x):
    spectrum = fft_of(x)
    return np.sum(np.abs(spectrum) ** 2 * np.arange(8.0))


@kernel(inputs=lambda: (normal(8),))
def fourier_in_place(x):
    """Iterative radix two, real and imaginary parts in arrays of their own."""
    re, im = x.copy(), np.zeros_like(x)
    n = len(x)
    j = 0
    for i in range(1, n):
        bit = n >> 1
        while j & bit:
            j ^= bit
            bit >>= 1
        j |= bit
        if i < j:
            re[i], re[j] = re[j], re[i]
    length = 2
    while length <= n:
        angle = -2 * math.pi / length
        for start in range(0, n, length):
            for k in range(length // 2):
                c, s = math.cos(angle * k), math.sin(angle * k)
                a, b = start + k, start + k + length // 2
                t_re, t_im = re[b] * c - im[b] * s, re[b] * s + im[b] * c
                re[b], im[b] = re[a] - t_re, im[a] - t_im
                re[a] += t_re
                im[a] += t_im
        length *= 2
    return np.sum((re**2 + im**2) * np.arange(8.0))


@kernel(inputs=lambda: (normal(7), np.array([0.3, 0.2, 0.1]), np.array([0.4, -0.2])), wrt=(0, 1, 2))
def recursive_filter(x, b, a):
    y = np.zeros(len(x))
    for n in range(len(x)):
        for k in range(len(b)):
            if n - k >= 0:
                y[n] += b[k] * x[n - k]
        for k in range(len(a)):
            if n - k > 0:
                y[n] -= a[k] * y[n - k - 1]
    return np.sum(y**2)


@kernel(inputs=lambda: (normal(8),))
def haar_wavelet_in_place(x):
    n = len(x)
    tmp = np.empty_like(x)
    while n > 1:
        half = n // 2
        tmp[:half] = (x[0:n:2] + x[1:n:2]) / np.sqrt(2.0)
        tmp[half:n] = (x[0:n:2] - x[1:n:2]) / np.sqrt(2.0)
        x[:n] = tmp[:n]
        n = half
    return np.sum(np.arange(8.0) * x**2) + x[0] * x[7]


@kernel(inputs=lambda: (normal(8),))
def prefix_sums_up_and_down(x):
    """The scan of Blelloch: a sweep up a tree, a sweep down."""
    n, step = len(x), 1
    while step < n:
        for i in range(2 * step - 1, n, 2 * step):
            x[i] += x[i - step]
        step *= 2
    x[n - 1] = 0.0
    while step > 1:
        step //= 2
        for i in range(2 * step - 1, n, 2 * step):
            left = x[i - step]
            x[i - step] = x[i]
            x[i] += left
    return np.sum(np.sin(x))


@kernel(inputs=lambda: (normal(5), normal(3, seed=1)), wrt=(0, 1))
def convolution_scattering(x, h):
    y = np.zeros(len(x) + len(h) - 1)
    for i in range(len(x)):
        y[i : i + len(h)] += x[i] * h
    return np.sum(y**3)


@kernel(inputs=lambda: (normal(10), 0.05, np.zeros(3)), wrt=(0, 1, 2))
def least_mean_squares(signal, mu, w):
    taps = np.zeros(3)
    cost = 0.0
    for n in range(len(signal) - 1):
        taps[1:] = taps[:-1].copy()
        taps[0] = signal[n]
        error = signal[n + 1] - w @ taps
        w += mu * error * taps
        cost += error**2
    return cost


# --- Motion and time stepping --------------------------------------------------------------------------


def accelerations(acc, pos, mass, softening):
    for i in range(len(mass)):
        acc[i] = 0.0
        for j in range(len(mass)):
            if i != j:
                d = pos[j] - pos[i]
                acc[i] += mass[j] * d / (d @ d + softening**2) ** 1.5


def kinetic_and_potential(pos, vel, mass):
    kinetic = 0.5 * np.sum(np.sum(mass[:, None] * vel**2))
    potential = 0.0
    for i in range(len(mass)):
        for j in range(i + 1, len(mass)):
            potential -= mass[i] * mass[j] / np.sqrt(np.sum((pos[i] - pos[j]) ** 2))
    return kinetic, potential


@kernel(inputs=lambda: (uniform(3), normal(3, 3), normal(3, 3, seed=1) / 4, 2), wrt=(0, 1, 2))
def n_body(mass, pos, vel, steps):
    dt, softening = 0.05, 0.1
    vel -= np.mean(mass[:, None] * vel, axis=0) / np.mean(mass)
    acc = np.zeros_like(pos)
    energies = np.zeros((steps + 1, 2))
    accelerations(acc, pos, mass, softening)
    energies[0] = kinetic_and_potential(pos, vel, mass)
    for i in range(steps):
        vel += acc * dt / 2.0
        pos += vel * dt
        accelerations(acc, pos, mass, softening)
        vel += acc * dt / 2.0
        energies[i + 1] = kinetic_and_potential(pos, vel, mass)
    return np.sum(energies**2)


def kick(v, force, dt):
    v += dt * force


def drift(x, v, dt):
    x += dt * v


@kernel(inputs=lambda: (normal(3), normal(3, seed=1), 1.4), wrt=(0, 1, 2))
def leapfrog_with_helpers(x, v, stiffness):
    for _ in range(4):
        kick(v, -stiffness * x**3, 0.05)
        drift(x, v, 0.1)
        kick(v, -stiffness * x**3, 0.05)
    return 0.5 * v @ v + 0.25 * stiffness * np.sum(x**4)


def lorenz(dydt, y, sigma, rho, beta):
    dydt[0] = sigma * (y[1] - y[0])
    dydt[1] = y[0] * (rho - y[2]) - y[1]
    dydt[2] = y[0] * y[1] - beta * y[2]


@kernel(inputs=lambda: (np.array([1.0, 0.5, 1.5]), 10.0, 28.0, 2.6), wrt=(0, 1, 2, 3))
def runge_kutta_with_buffers(y, sigma, rho, beta):
    h = 0.01
    k1, k2, k3, k4 = (np.empty(3) for _ in range(4))
    tmp = np.empty(3)
    for _ in range(3):
        lorenz(k1, y, sigma, rho, beta)
        tmp[:] = y + 0.5 * h * k1
        lorenz(k2, tmp, sigma, rho, beta)
        tmp[:] = y + 0.5 * h * k2
        lorenz(k3, tmp, sigma, rho, beta)
        np.multiply(k3, h, out=tmp)
        tmp += y
        lorenz(k4, tmp, sigma, rho, beta)
        y += h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
    return y @ y


@kernel(inputs=lambda: (np.array([1.0, 0.2]), 1.3, 0.1), wrt=(0, 1, 2))
def trajectory_in_a_table(y0, mu, h):
    """Van der Pol by the method of Heun, every state kept."""
    states = np.zeros((6, 2))
    slopes = np.zeros((2, 2))
    states[0] = y0
    for n in range(5):
        for stage in range(2):
            p = states[n] + stage * h * slopes[0]
            slopes[stage, 0] = p[1]
            slopes[stage, 1] = mu * (1 - p[0] ** 2) * p[1] - p[0]
        states[n + 1] = states[n] + h * slopes.mean(axis=0)
    return np.sum(states[:, 0] ** 2) + states[-1, 1]


@kernel(inputs=lambda: (np.zeros(3), np.eye(2), np.array([0.9, 0.1]), normal(4)), wrt=(1, 2, 3))
def kalman_filter_in_place(log, p, q, observations):
    a, h = np.array([[1.0, 0.1], [0.0, 0.9]]), np.array([1.0, 0.0])
    x = np.zeros(2)
    for z in observations:
        x[:] = a @ x
        p[:] = a @ p @ a.T
        p[np.diag_indices(2)] += q
        s = h @ p @ h + 0.5
        gain = p @ h / s
        innovation = z - h @ x
        x += gain * innovation
        p -= np.outer(gain, h @ p)
        log[0] += np.log(s)
        log[1] += innovation**2 / s
    log[2] = 0.5 * (log[0] + log[1])
    return log[2] + np.trace(p)


@kernel(inputs=lambda: (normal(4, 4) / 2, normal(4, 4, seed=1) / 2, 4), wrt=(0, 1))
def mandelbrot_masked(cr, ci, steps):
    zr, zi = np.zeros_like(cr), np.zeros_like(ci)
    count = np.zeros(cr.shape, dtype=np.int64)
    for n in range(steps):
        inside = zr * zr + zi * zi < 4.0
        count[inside] = n
        r, i = zr[inside], zi[inside]
        zr[inside] = r * r - i * i + cr[inside]
        zi[inside] = 2 * r * i + ci[inside]
    return np.sum(np.sqrt(zr**2 + zi**2 + 1.0)) + np.sum(count * zr)


@kernel(inputs=lambda: (normal(4), 0.8), wrt=(0, 1))
def kuramoto(phase, coupling):
    n = len(phase)
    rate = np.zeros(n)
    for _ in range(3):
        rate[:] = 0.0
        for i in range(n):
            for j in range(n):
                rate[i] += np.sin(phase[j] - phase[i])
        phase += 0.1 * (1.0 + coupling * rate / n)
    return np.cos(phase).sum() ** 2 + np.sin(phase).sum() ** 2


@kernel(inputs=lambda: (normal(4, 4), 0.4), wrt=(0, 1))
def mean_field_ising(m, beta):
    for sweep in range(2):
        for i in range(m.shape[0]):
            for j in range(m.shape[1]):
                field = m[i - 1, j] + m[i, j - 1] + m[(i + 1) % 4, j] + m[i, (j + 1) % 4]
                m[i, j] = np.tanh(beta * field)
    return np.sum(m**2)


@kernel(
    inputs=lambda: ([normal(2), normal(2, seed=1), normal(2, seed=2)], [normal(2, seed=3) for _ in range(3)]),
    wrt=(0, 1),
)
def particles_in_lists(positions, velocities):
    for _ in range(2):
        for i in range(len(positions)):
            force = np.zeros(2)
            for j in range(len(positions)):
                if i != j:
                    force += positions[j] - positions[i]
            velocities[i] += 0.1 * force
        for p, v in zip(positions, velocities):
            p += 0.1 * v
    return sum(p @ p for p in positions)


@kernel(inputs=lambda: ({"x": normal(3), "v": normal(3, seed=1)}, 0.1), wrt=(0, 1))
def state_in_a_dict(state, h):
    for _ in range(3):
        state["v"] -= h * np.sin(state["x"])
        state["x"] += h * state["v"]
        state["x"][0] *= 1.1
    return state["x"] @ state["v"]


class Oscillators:
    """Masses on springs whose state is changed by a method."""

    def __init__(self, x, v, k):
        self.x = x
        self.v = v
        self.k = k

    def step(self, h):
        force = np.zeros_like(self.x)
        force[1:] -= self.k * (self.x[1:] - self.x[:-1])
        force[:-1] += self.k * (self.x[1:] - self.x[:-1])
        self.v += h * force
        self.x += h * self.v


@kernel(inputs=lambda: (normal(4), normal(4, seed=1), 1.5), wrt=(0, 1, 2))
def object_with_state(x, v, k):
    chain = Oscillators(x, v, k)
    for _ in range(3):
        chain.step(0.1)
    return chain.x @ chain.x + chain.v @ chain.v


@kernel(inputs=lambda: (uniform(5), 0.3, np.random.default_rng(5)), wrt=(0, 1))
def random_walks_in_place(x, sigma, rng):
    noise = np.empty(len(x))
    for _ in range(3):
        noise[:] = rng.standard_normal(len(x))
        x *= np.exp(-0.5 * sigma**2 + sigma * noise)
    return np.mean(np.maximum(x - 0.9, 0.0))


# --- Networks ------------------------------------------------------------------------------------------


def conv2d(image, weights):
    size = weights.shape[0]
    n, h_out, w_out = image.shape[0], image.shape[1] - size + 1, image.shape[2] - size + 1
    output = np.empty((n, h_out, w_out, weights.shape[3]), dtype=image.dtype)
    for i in range(h_out):
        for j in range(w_out):
            output[:, i, j, :] = np.sum(
                image[:, i : i + size, j : j + size, :, np.newaxis] * weights[np.newaxis, :, :, :],
                axis=(1, 2, 3),
            )
    return output


def maxpool2d(x):
    output = np.empty([x.shape[0], x.shape[1] // 2, x.shape[2] // 2, x.shape[3]], dtype=x.dtype)
    for i in range(x.shape[1] // 2):
        for j in range(x.shape[2] // 2):
            output[:, i, j, :] = np.max(x[:, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, :], axis=(1, 2))
    return output


@kernel(
    inputs=lambda: (normal(1, 5, 5, 1), normal(2, 2, 1, 2, seed=1), normal(2, seed=2), normal(8, 2, seed=3)),
    wrt=(1, 2, 3),
)
def lenet(image, conv, bias, dense):
    x = maxpool2d(np.maximum(conv2d(image, conv) + bias, 0))
    x = np.reshape(x, (x.shape[0], -1))
    return np.sum((x @ dense) ** 2)


def batchnorm2d(x, eps=1e-3):
    mean = np.mean(x, axis=0, keepdims=True)
    std = np.std(x, axis=0, keepdims=True)
    return (x - mean) / np.sqrt(std + eps)


@kernel(
    inputs=lambda: (normal(2, 3, 3, 2), normal(1, 1, 2, 2, seed=1), normal(3, 3, 2, 2, seed=2)), wrt=(1, 2)
)
def residual_block(image, conv1, conv2):
    padded = np.zeros((image.shape[0], image.shape[1] + 2, image.shape[2] + 2, conv1.shape[3]))
    padded[:, 1:-1, 1:-1, :] = conv2d(image, conv1)
    x = np.maximum(batchnorm2d(padded), 0)
    x = batchnorm2d(conv2d(x, conv2))
    return np.sum(np.tanh(x + image))


def softmax_into(out, x):
    np.subtract(x, np.max(x, axis=-1, keepdims=True), out=out)
    np.exp(out, out=out)
    np.divide(out, np.sum(out, axis=-1, keepdims=True), out=out)


@kernel(
    inputs=lambda: (normal(2, 3), normal(3, 4, seed=1), normal(4, seed=2), normal(4, 2, seed=3)),
    wrt=(1, 2, 3),
)
def mlp_with_out(x, w1, b1, w2):
    hidden = np.empty((len(x), len(b1)))
    logits = np.empty((len(x), w2.shape[1]))
    np.dot(x, w1, out=hidden)
    np.add(hidden, b1, out=hidden)
    np.maximum(hidden, 0, out=hidden)
    np.matmul(hidden, w2, out=logits)
    softmax_into(logits, logits)
    return -np.sum(np.log(logits[:, 0]))


@kernel(inputs=lambda: (normal(3, 2), normal(8, 4, seed=1) / 2, normal(8, seed=2) / 4), wrt=(0, 1, 2))
def lstm_with_preallocated_gates(xs, w, b):
    n = 2
    h, c = np.zeros(n), np.zeros(n)
    gates = np.empty(4 * n)
    joined = np.empty(4)
    outputs = np.zeros((len(xs), n))
    for t in range(len(xs)):
        joined[:2] = xs[t]
        joined[2:] = h
        gates[:] = w @ joined + b
        gates[: 3 * n] = 1.0 / (1.0 + np.exp(-gates[: 3 * n]))
        gates[3 * n :] = np.tanh(gates[3 * n :])
        i, f, o, g = gates[:n], gates[n : 2 * n], gates[2 * n : 3 * n], gates[3 * n :]
        c *= f
        c += i * g
        h[:] = o * np.tanh(c)
        outputs[t] = h
    return np.sum(outputs**2)


@kernel(inputs=lambda: (normal(3, 3), normal(3, 2, seed=1)), wrt=(0, 1))
def causal_attention(q, v):
    scores = q @ q.T
    n = len(scores)
    for i in range(n):
        scores[i, i + 1 :] = -1e9
    weights = np.zeros_like(scores)
    for i in range(n):
        row = np.exp(scores[i] - np.max(scores[i]))
        weights[i] = row / row.sum()
    return np.sum(np.sin(weights @ v))


@kernel(inputs=lambda: (normal(3), normal(4, 3, seed=1), normal(4, seed=2), 0.1), wrt=(0, 3))
def adam(w, x, y, rate):
    m, v = np.zeros_like(w), np.zeros_like(w)
    for t in range(1, 4):
        slope = 2 * x.T @ (x @ w - y) / len(y)
        m *= 0.9
        m += 0.1 * slope
        v *= 0.99
        v += 0.01 * slope**2
        w -= rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.99**t)) + 1e-8)
    return np.mean((x @ w - y) ** 2)


@kernel(
    inputs=lambda: ([normal(2, 3), normal(3, 1, seed=1)], normal(4, 2, seed=2), normal(4, 1, seed=3), 0.05),
    wrt=(0, 3),
)
def momentum_over_layers(layers, x, y, rate):
    velocity = [np.zeros_like(w) for w in layers]
    for _ in range(2):
        hidden = np.tanh(x @ layers[0])
        error = hidden @ layers[1] - y
        slopes = [x.T @ (error @ layers[1].T * (1 - hidden**2)), hidden.T @ error]
        for w, u, slope in zip(layers, velocity, slopes):
            u *= 0.9
            u -= rate * slope
            w += u
    return np.sum((np.tanh(x @ layers[0]) @ layers[1] - y) ** 2)


@kernel(inputs=lambda: (normal(4, 3), np.array([[0, 1], [2, 3], [1, 0]]), 0.1), wrt=(0, 2))
def embedding_updates(table, pairs, rate):
    loss = 0.0
    for a, b in pairs:
        error = table[a] @ table[b] - 1.0
        loss += error**2
        step = rate * error * table[b]
        table[b] -= rate * error * table[a]
        table[a] -= step
    return loss + np.sum(table**2)


@kernel(inputs=lambda: (normal(4, 4), normal(4, seed=1)), wrt=(0, 1))
def columns_by_im2col(image, weights):
    patches = np.zeros((9, 4))
    k = 0
    for i in range(3):
        for j in range(3):
            patches[k] = image[i : i + 2, j : j + 2].ravel()
            k += 1
    return np.sum((patches @ weights) ** 2)


@kernel(inputs=lambda: (normal(3, 4), np.ones(4), np.zeros(4), 0.3), wrt=(0, 1, 2, 3))
def running_statistics(batch, running_var, running_mean, momentum):
    mean, var = batch.mean(axis=0), batch.var(axis=0)
    running_mean *= 1 - momentum
    running_mean += momentum * mean
    running_var[...] = (1 - momentum) * running_var + momentum * var
    batch -= running_mean
    batch /= np.sqrt(running_var + 1e-5)
    return np.sum(np.tanh(batch))


# --- Sorting, swapping, masks --------------------------------------------------------------------------


@kernel(inputs=lambda: (normal(5),))
def bubble_sort_in_place(x):
    n = len(x)
    for i in range(n):
        for j in range(n - 1 - i):
            if x[j] > x[j + 1]:
                x[j], x[j + 1] = x[j + 1], x[j]
    return np.sum(x * np.arange(5.0)) + x[0] * x[4]


@kernel(inputs=lambda: (normal(5),))
def insertion_sort(x):
    for i in range(1, len(x)):
        key = x[i]
        j = i - 1
        while j >= 0 and x[j] > key:
            x[j + 1] = x[j]
            j -= 1
        x[j + 1] = key
    return np.sum(x**2 * np.arange(5.0))


def swap(x, i, j):
    x[i], x[j] = x[j], x[i]


@kernel(inputs=lambda: (normal(5),))
def quicksort(x):
    stack = [(0, len(x) - 1)]
    while stack:
        low, high = stack.pop()
        if low < high:
            pivot, place = x[high], low
            for j in range(low, high):
                if x[j] < pivot:
                    swap(x, place, j)
                    place += 1
            swap(x, place, high)
            stack.append((low, place - 1))
            stack.append((place + 1, high))
    return np.sum(x**2 * np.arange(5.0))


@kernel(inputs=lambda: (normal(5),))
def sorted_in_place(x):
    x.sort()
    x[1:] -= x[:-1].copy()
    return np.sum(x**2)


@kernel(inputs=lambda: (normal(6),))
def reversal_by_swaps(x):
    i, j = 0, len(x) - 1
    while i < j:
        x[i], x[j] = 2 * x[j], x[i]
        i, j = i + 1, j - 1
    return np.sum(x * np.arange(6.0)) * x[2]


@kernel(inputs=lambda: (normal(12),))
def sieve_of_weights(w):
    prime = np.ones(len(w), dtype=bool)
    prime[:2] = False
    for i in range(2, int(len(w) ** 0.5) + 1):
        if prime[i]:
            prime[i * i :: i] = False
    w[~prime] = 0.0
    w[prime] *= w[prime]
    return np.sum(w * np.arange(12.0)) + w[prime] @ w[prime]


@kernel(inputs=lambda: (normal(6), 0.5), wrt=(0, 1))
def masked_relaxation(x, rate):
    for _ in range(3):
        high = x > 0.5
        x[high] -= rate * (x[high] - 0.5)
        x[~high] *= 1.0 + 0.1 * rate
    return np.sum(x**2)


@kernel(inputs=lambda: (normal(4, 4), np.array([2, 0, 3])), wrt=0)
def rows_by_fancy_index(a, rows):
    a[rows] *= 2.0
    a[rows, rows[::-1]] += a[0, 1]
    a[:, [0, 2]] = a[:, [2, 0]]
    return np.sum(a**2 * np.arange(16.0).reshape(4, 4))


@kernel(inputs=lambda: (normal(3, 3),))
def diagonal_writes(a):
    np.fill_diagonal(a, 2.0)
    for i in range(3):
        a[i, i] += a[i, i - 1]
    a.T[0] *= 3.0
    a.ravel()[4] = a[0, 1]
    return np.sum(a**2)


@kernel(inputs=lambda: (normal(6), normal(6, seed=1)), wrt=(0, 1))
def copies_between_buffers(x, y):
    np.copyto(y, x, where=x > 0)
    x.fill(0.5)
    x[::2] = y[1::2]
    np.cumsum(y, out=y)
    np.clip(x, -0.8, 0.8, out=x)
    return np.sum(x * y)


@kernel(inputs=lambda: (normal(6).astype(np.float32), np.float32(0.3)), wrt=(0, 1), order2=False)
def diffusion_in_single_precision(u, r):
    for _ in range(3):
        u[1:-1] += r * (u[2:] - 2 * u[1:-1] + u[:-2])
        u[0] = u[1]
    return np.sum(u**2)


# Kernels that are refused (or stop with an error) so far, and how the refusal begins. The tests are strict
# about it: delete the line of one that compiles.
REFUSED: dict[str, str] = {
}

# The gradient compiles; its derivative does not yet, where a list of what was saved has no cotangent.
REFUSED_TWICE: dict[str, str] = {
}
