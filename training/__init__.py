"""Training of the small nets of our own that the `lite` profile serves. Runs in an environment of its own."""
