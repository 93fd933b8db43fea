"""The stored data sets and their pictures; uploads, and what is unpacked of them."""
