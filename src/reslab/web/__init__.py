"""The local page: runs as they train, studies, networks and images, in a browser."""
