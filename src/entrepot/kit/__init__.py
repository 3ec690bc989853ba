"""Small files that every room stands on. The kit imports no room."""
