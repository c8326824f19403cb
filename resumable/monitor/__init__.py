"""How a run is seen: progress, the live view, coverage. Changes nothing."""
