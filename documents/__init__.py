"""What of the documents is made by code: tables of the services' pages, and their examples."""
