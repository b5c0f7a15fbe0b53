"""HTTP and JSON in front of Triton: the contract's requests, answers and errors."""
