"""What is coming? Balances 90 days ahead, with quantiles and the chance of a shortfall."""
