"""Drawn shelves of 171 invented drinks, and how an answer compares with what is on one."""
