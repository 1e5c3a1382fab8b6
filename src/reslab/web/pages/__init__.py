"""One file for each page: what it shows, and what happens when it is touched."""
