"""What answers are taken for: the words of `Attempt.heard`, and of labels."""

MACHINES = ("machine", "announcement", "fax")
"Nobody an agent could talk to, and it does the talking."

LABELS = ("human", "assistant", *MACHINES, "false")
"What a person may say answered a call; `false`: nobody was there."
