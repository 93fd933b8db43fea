"""The doctors' lists: routes, rules and answers. Their order: records/findings/review_queue.py."""
