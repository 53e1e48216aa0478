"""What is worth trying? Bayesian linear Thompson sampling with exact propensities."""
