"""What the end-to-end tests are built from: one idea a file."""
