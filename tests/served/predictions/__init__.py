"""Photos on a real server, and the model behind them."""
