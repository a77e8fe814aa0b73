"""The dashboard: one page over the services' own messages as JSON, and streams of them as server-sent events."""
