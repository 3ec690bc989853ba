"""A real year of retail (the Complete Journey) as entrepot orders."""
