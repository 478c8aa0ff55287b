"""Quality reviews: the queue, one review, the rubric, statistics."""
