"""`python -m anymax` is the program `anymax`."""

from anymax.cli import main

main()
