"""Converters, one module a service. They run in the conversion environment."""
