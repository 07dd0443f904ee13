"""Pages about pairs: one that computes in the browser, and the table of all of them."""

from anymax.pages.live import live_page as live_page
from anymax.pages.pairs import pairs_page as pairs_page
