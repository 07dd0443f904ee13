"""The losses after softmax and sigmoid in mpmath, from their formulas alone."""

import mpmath as mp


def softmax(z):
    best = max(z)
    e = [mp.e ** (x - best) for x in z]
    total = mp.fsum(e)
    return [x / total for x in e]


def sigmoid(z):
    return [1 / (1 + mp.e ** (-x)) for x in z]


def xlog(y, x):
    return mp.mpf(0) if y == 0 else y * mp.log(x)


def not_(a, i, a_is_simplex):
    """1 - a_i as the sum of the others: at these magnitudes digits would be lost."""
    if a_is_simplex:
        return mp.fsum(a[j] for j in range(len(a)) if j != i)
    return 1 - a[i]


VALUES = {
    "CrossEntropy": lambda a, y, n: (
        -mp.fsum(xlog(t, p) for t, p in zip(y, a, strict=True))
    ),
    "BinaryCrossEntropy": lambda a, y, n: (
        -mp.fsum(xlog(t, p) + xlog(1 - t, q) for t, p, q in zip(y, a, n, strict=True))
    ),
    "KLDivergence": lambda a, y, n: mp.fsum(
        xlog(t, t) - xlog(t, p) for t, p in zip(y, a, strict=True)
    ),
    "ReverseKL": lambda a, y, n: mp.fsum(
        xlog(p, p / t) for t, p in zip(y, a, strict=True)
    ),
    "JensenShannon": lambda a, y, n: (
        mp.fsum(
            xlog(t, 2 * t / (p + t)) + xlog(p, 2 * p / (p + t))
            for t, p in zip(y, a, strict=True)
        )
        / 2
    ),
    "Focal": lambda a, y, n: (
        -mp.fsum(t * q**2 * mp.log(p) for t, p, q in zip(y, a, n, strict=True) if t)
    ),
    "GeneralizedCrossEntropy": lambda a, y, n: mp.fsum(
        t * (1 - p ** mp.mpf("0.7")) / mp.mpf("0.7")
        for t, p in zip(y, a, strict=True)
        if t
    ),
    "Poly": lambda a, y, n: mp.fsum(
        t * (q - mp.log(p)) for t, p, q in zip(y, a, n, strict=True) if t
    ),
    "Poisson": lambda a, y, n: mp.fsum(
        p - xlog(t, p) for t, p in zip(y, a, strict=True)
    ),
}
MAPS = {"Softmax": softmax, "Sigmoid": sigmoid}


def value(activation, loss, z, y):
    a = MAPS[activation](z)
    n = [not_(a, i, activation == "Softmax") for i in range(len(a))]
    return VALUES[loss](a, y, n)


def all_orders(activation, loss, z, y, v, digits):
    """Value, gradient and Hessian product of one row by differences at many digits."""
    with mp.workdps(digits):
        z = [mp.mpf(float(x)) for x in z]
        y = [mp.mpf(float(x)) for x in y]
        v = [mp.mpf(float(x)) for x in v]
        h = mp.mpf(10) ** (-digits // 4)

        def f(point):
            return value(activation, loss, point, y)

        def slope(point, j):
            up, down = list(point), list(point)
            up[j] += h
            down[j] -= h
            return (f(up) - f(down)) / (2 * h)

        ahead = [x + h * t for x, t in zip(z, v, strict=True)]
        behind = [x - h * t for x, t in zip(z, v, strict=True)]
        n = range(len(z))
        gradient = [float(slope(z, j)) for j in n]
        hvp = [float((slope(ahead, j) - slope(behind, j)) / (2 * h)) for j in n]
        return float(f(z)), gradient, hvp
