"""L5: Sequential and Model, their summary, saving and loading."""
