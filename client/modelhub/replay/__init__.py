"""Recorded requests sent to two endpoints, and what their answers differ in.

`measures` names every figure, `compare` takes them from two answers, `tally` collects those of a run,
`report` writes them down; these are pure. `recording`, `endpoints` and `run` read, address and send the
requests. `proxy` records them.
"""
