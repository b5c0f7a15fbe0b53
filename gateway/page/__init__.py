"""The page at the gateway's root, on which people try the services."""
