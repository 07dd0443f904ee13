"""The families of activations: which page tells of which, and how they are drawn."""

FAMILIES = {
    "piecewise-linear": [
        "Identity",
        "ReLU",
        "LeakyReLU",
        "PReLU",
        "ThresholdedReLU",
        "HardTanh",
        "HardSigmoid",
    ],
    "exponential-units": ["Exp", "ELU", "CELU", "SELU", "Softplus", "LogSigmoid"],
    "sigmoidal": ["Sigmoid", "Tanh", "Softsign", "SoftCap"],
    "gates": ["SiLU", "Swish", "GELU", "Mish", "HardSwish"],
    "softmax": ["Softmax", "Softmin", "LogSoftmax", "GumbelSoftmax"],
    "sparse": ["Sparsemax", "Entmax"],
    "separable": [
        "Normalized",
        "NormalizedSigmoid",
        "TaylorSoftmax",
        "SphericalSoftmax",
    ],
    "normalising": ["L2Normalize", "Standardize"],
}
TITLES = {
    "piecewise-linear": "Piecewise linear",
    "exponential-units": "Exponential units",
    "sigmoidal": "Sigmoidal",
    "gates": "Gates",
    "softmax": "The softmax family",
    "sparse": "Sparse maps",
    "separable": "Separable normalisers",
    "normalising": "Normalising cousins",
}


def family_of(name: str) -> str:
    """The family of an activation, "" if no page tells of it yet."""
    found = [family for family, members in FAMILIES.items() if name in members]
    return found[0] if found else ""
