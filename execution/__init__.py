"""One trade from top to bottom: watcher, fan_out, placing, settling, reconcile, guard."""
