"""Who somebody is: documents, their review, and what it decides."""
