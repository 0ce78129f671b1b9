"""The jobs around Gold's models: options, current and as-of figures, scenarios, explanations, the run journal."""
