"""What is wrong with this machine, in plain words.

Findings of the machine itself need nothing but a Python, even one that is too old; those of what runs on it
need the environment.
"""
