"""Arrays of any library: their namespace, trees of them, sums, random bits."""
