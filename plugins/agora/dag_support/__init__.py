"""What DAGs and operators share: defaults, params, batches, run notes, metrics, lineage."""
