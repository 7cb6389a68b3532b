"""The stored analysis: settings, schema, store, training, analysis, report."""
