"""The model: its folder, its network and what runs that, and the heat map of its outputs."""
