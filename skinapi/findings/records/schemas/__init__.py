"""What is answered about stored findings and reviews, and what a review is sent as."""
