"""XOR: the smallest problem that needs a hidden layer. Expected accuracy: 1.0.

Run: python examples/xor.py
"""

import numpy as np

import anymax as am


def main() -> float:
    """The accuracy on the four points there are."""
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = ["same", "different", "different", "same"]

    net = am.Chain(am.Dense(4), am.Tanh(), am.Dense(1), am.Sigmoid())
    # so few rows are taken all at once
    am.fit(net, am.BinaryCrossEntropy(), x, y, optimizer=am.LBFGS(), l2=1e-4, verbose=0)

    for point, label in zip(x, net.predict(x), strict=True):
        print(point, label)
    accuracy = float(np.mean(net.predict(x) == y))
    print(f"accuracy: {accuracy:.4f}")
    return accuracy


if __name__ == "__main__":
    main()
