"""`make bench` beside BentoML and LitServe: the same pipelines and the same JSON behind three servers.

`answers` is what the two peers run, in environments of their own (requirements/bentoml.in, litserve.in);
`bentoml_server` and `litserve_server` are their services, `variants` says how they are configured, and
`__main__` starts them, checks that all three give the same answer, and measures them in turn.
"""
