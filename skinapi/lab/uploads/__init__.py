"""Files that are sent in parts and kept until a data set or a model is made of them."""
