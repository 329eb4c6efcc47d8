"""Tables from files and by name, split and standardised."""
