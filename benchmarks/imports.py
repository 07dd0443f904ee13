"""Import time and size of the compiled files: python benchmarks/imports.py."""

from anymax.benchmarking.script import main
from anymax.benchmarking.table import Table

TABLE = Table("imports", "Import time and size", ())

if __name__ == "__main__":
    main(TABLE)
