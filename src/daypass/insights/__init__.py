"""Named questions over what happened. Reads only; docs/insights.md says what each number is."""
