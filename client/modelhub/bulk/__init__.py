"""Many pictures at once: as fast as the server answers, and no faster."""
