"""The store in MongoDB, with its blobs in GridFS."""
