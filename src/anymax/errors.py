"""The two errors of our own; everything else is a built-in exception."""


class ShapeError(ValueError):
    """Arrays whose shapes do not fit: what was needed, what came, what to do."""


class DomainError(ValueError):
    """Values outside the set on which a formula is defined."""
