"""What a terminal shows: charts, live progress, tables. Renders views; computes nothing of its own."""
