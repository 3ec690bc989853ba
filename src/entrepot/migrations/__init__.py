"""The database, as numbered SQL files (0001_kit.sql ...), forward only; entrepot.kit.migrate runs them."""
