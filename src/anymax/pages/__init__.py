"""Pages: what a check found, a live chain rule, and the table of all pairs."""

from anymax.pages.checked import check_page as check_page
from anymax.pages.live import live_page as live_page
from anymax.pages.pairs import pairs_page as pairs_page
