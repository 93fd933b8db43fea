"""What a network is shown in training: samples, views, targets, batches."""
