"""Speed beside other libraries: the same work, interleaved, as ratios."""
