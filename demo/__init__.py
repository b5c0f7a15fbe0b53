"""The demo: sample pictures, and a tour of every service with them."""
