"""The gRPC services, one file each: decode, call coordinator/app.py, encode."""
