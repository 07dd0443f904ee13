"""Three spiral arms, wound around each other. Expected test accuracy: 0.99 or more.

Run: python examples/spiral.py
"""

import numpy as np

import anymax as am

ARMS = 3


def arms(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (rows, 2) on the arms, with a little noise, and which arm it is."""
    rng = np.random.default_rng(seed)
    arm, radius = rng.integers(ARMS, size=rows), np.sqrt(rng.uniform(0.01, 1, rows))
    angle = 5 * radius + 2 * np.pi * arm / ARMS
    points = radius * np.stack([np.cos(angle), np.sin(angle)])
    return points.T + rng.normal(scale=0.02, size=(rows, 2)), arm


def main() -> float:
    """The accuracy on points that were not trained on."""
    x, y = arms(1500, seed=0)
    net = am.Chain(
        am.Dense(32),
        am.Tanh(),
        am.Residual(am.Dense(32), am.Tanh()),
        am.Dense(ARMS),
        am.Softmax(),
    )
    # up to a high rate and down again, over 60 epochs of 24 steps
    rate = am.OneCycle(0.03, steps=60 * 24)
    history = am.fit(
        net,
        am.CrossEntropy(),
        x,
        y,
        optimizer=am.Adam(rate),
        epochs=60,
        validation=(arms(300, seed=1)),
        verbose=0,
    )
    print(history)

    x_test, y_test = arms(1000, seed=2)
    accuracy = float(np.mean(net.predict(x_test) == y_test))
    print(f"test accuracy: {accuracy:.4f}")
    return accuracy


if __name__ == "__main__":
    main()
