"""Networks, phases and the recipe, and what a network is shown in training."""
