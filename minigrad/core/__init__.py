"""The engine: arrays, their nodes, the levels that say what a call means, and the sweep. Read context.py first."""
