"""What every table shares: public ids, money columns, append-only tables, set-wise updates."""
