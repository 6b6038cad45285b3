"""The lab: simulated carriers and a dialer on real SIP, for demos, tests and trials."""
