"""Code shared by DAGs and operators: defaults, params, batches, run notes, metrics, lineage."""
