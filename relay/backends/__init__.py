"""Django's database backends, each with what several workers at once need. Set as `ENGINE` in DATABASES."""
