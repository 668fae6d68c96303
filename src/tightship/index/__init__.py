"""What package indexes and advisory databases say: newest versions, vulnerabilities. Still empty."""
