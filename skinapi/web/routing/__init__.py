"""How a route is declared, found and guarded."""
