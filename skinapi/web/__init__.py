"""What every route shares: how it is declared, who may call it, how it answers and fails."""
