"""What happened, and the vocabulary for saying it: records, outcomes, refusals, the clock."""
