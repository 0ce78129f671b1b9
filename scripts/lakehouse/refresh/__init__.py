"""The jobs around the figures: options, today's figures, those as of a day, scenarios, explanations, the journal."""
