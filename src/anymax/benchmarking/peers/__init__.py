"""Other libraries, each at its best: one file a library."""
