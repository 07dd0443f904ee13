"""Handwritten digits, 8 x 8 pixels. Expected test accuracy: 0.97 or more.

The network and its epoch are chosen on rows held out of training; the test rows are
looked at once. Needs scikit-learn, for the data. Run: python examples/digits.py
"""

import numpy as np

import anymax as am
from anymax.data import load


def main() -> float:
    """The accuracy on a quarter of the images, which took no part in training."""
    rows = load("digits").split(seed=0)
    # noise on the pixels and dropout: both lowered the loss on held out rows
    net = am.Chain(
        am.GaussianNoise(0.3),
        am.Dense(256),
        am.ReLU(),
        am.Dropout(0.4),
        am.Dense(10),
        am.Softmax(),
    )
    history = am.fit(
        net,
        am.CrossEntropy(),
        rows.x_train,
        rows.y_train,
        optimizer=am.Adam(2e-3),
        epochs=60,
        batch=32,
        validation=0.15,
        callbacks=[am.EarlyStopping(patience=10)],
        verbose=0,
    )
    print(history)

    accuracy = float(np.mean(net.predict(rows.x_test) == rows.y_test))
    print(f"test accuracy: {accuracy:.4f}")
    return accuracy


if __name__ == "__main__":
    main()
