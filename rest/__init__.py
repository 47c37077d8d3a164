"""What every REST view shares: errors, strict input, cursors, decimals on the wire."""
