"""The one seam between the mathematics and an array library: what a backend must do, and how one is found."""
