"""E-commerce infrastructure that anyone can run: one Python service over PostgreSQL."""

__version__ = "0.1.0"
