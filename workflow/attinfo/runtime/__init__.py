"""What every stage needs: errors, files, seeds, devices, locks, provenance."""
