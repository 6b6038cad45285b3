"""The budgets of Trunkline, each measured against a real counterpart in the same run. See README.md."""
