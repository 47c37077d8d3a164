"""How pages show numbers, times and icons."""
