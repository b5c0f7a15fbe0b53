"""What becomes of callers under overload and faults: `make faults`."""
