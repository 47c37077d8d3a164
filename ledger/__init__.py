"""The books: fills, trades, postings, positions, marks."""
