"""Pictures whose truth is known, measures of answers, and the services' pipelines without a server.

What `bench` and `training` share: both learn the truth and the measures here, and neither imports the other.
"""
