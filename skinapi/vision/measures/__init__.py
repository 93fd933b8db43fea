"""What the pixels of a photo tell without the network: quality, outline, likeness."""
