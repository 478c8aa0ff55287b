"""What is promised to a requester: first answer, next answer, solution, in working time."""
