"""Runs the small programs on servers and brings back what they print: ssh, local."""
