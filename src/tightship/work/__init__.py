"""What happens without anyone asking: the hourly round, silence, index refresh, notices. Still empty."""
