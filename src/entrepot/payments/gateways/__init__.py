"""Payment gateways, one file each: two pure halves per call, `build_*` what is asked and `parse_*` what was
answered."""
