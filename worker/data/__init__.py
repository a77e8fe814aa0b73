"""Samples on their way to the model: fetched, balanced, transformed, read ahead."""
