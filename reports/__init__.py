"""Campaign response: rates with their intervals, charts and exports."""
