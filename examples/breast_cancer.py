"""Tumours, malignant or benign: one output. Expected test accuracy: 0.95 or more.

The weights that are kept are a moving average over the steps, and the best of it on
validation rows. Needs scikit-learn, for the data. Run: python examples/breast_cancer.py
"""

import numpy as np

import anymax as am
from anymax.data import load


def main() -> float:
    """The accuracy on a quarter of the patients, who took no part in training."""
    data = load("breast_cancer")
    rows, names = data.split(seed=0), np.array(data.classes)
    net = am.Chain(am.Dense(32), am.ReLU(), am.Dropout(0.3), am.Dense(1), am.Sigmoid())
    history = am.fit(
        net,
        am.BinaryCrossEntropy(),
        rows.x_train,
        names[rows.y_train],
        optimizer=am.AdamW(3e-3, average=0.98),
        epochs=100,
        batch=32,
        validation=0.2,
        callbacks=[am.EarlyStopping(patience=15)],
        verbose=0,
    )
    print(history)

    accuracy = float(np.mean(net.predict(rows.x_test) == names[rows.y_test]))
    print(f"test accuracy: {accuracy:.4f}")
    return accuracy


if __name__ == "__main__":
    main()
