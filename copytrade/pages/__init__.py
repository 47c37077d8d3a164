"""Pages that read several apps, one file per page."""
