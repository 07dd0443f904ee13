"""Wines by their chemistry: how much l2 is best? Expected test accuracy: 0.95 or more.

The penalty is chosen by the loss on validation rows; the test rows are looked at once.
Needs scikit-learn, for the data. Run: python examples/wine.py
"""

import numpy as np

import anymax as am
from anymax.data import load

PENALTIES = (0.0, 1e-3, 1e-2, 1e-1)


def trained(x: np.ndarray, y: np.ndarray, l2: float) -> tuple[am.Chain, float]:
    """A network found with this penalty, and its loss on rows held out."""
    net = am.Chain(am.Dense(8), am.SiLU(), am.Dense(3), am.Softmax())
    # L-BFGS takes all rows at once; it suits data as small as this
    history = am.fit(
        net,
        am.CrossEntropy(),
        x,
        y,
        optimizer=am.LBFGS(max_iterations=100),
        validation=0.25,
        l2=l2,
        verbose=0,
    )
    return net, history["validation loss"][-1]


def main() -> float:
    """The accuracy on a quarter of the wines, which took no part in the choice."""
    rows = load("wine").split(seed=0)
    found = {l2: trained(rows.x_train, rows.y_train, l2) for l2 in PENALTIES}
    for l2, (_, loss) in found.items():
        print(f"l2 {l2:g}: validation loss {loss:.4f}")
    net, _ = min(found.values(), key=lambda each: each[1])

    accuracy = float(np.mean(net.predict(rows.x_test) == rows.y_test))
    print(f"test accuracy: {accuracy:.4f}")
    return accuracy


if __name__ == "__main__":
    main()
