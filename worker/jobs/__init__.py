"""A job, from the text of its file to what a rank trains: read, checked, its data opened."""
