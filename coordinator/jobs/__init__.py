"""Decisions about jobs, in pure code: their states, the queue, the plan."""
