"""Programs in any language as algorithms: the line protocol, and what speaks it on our side."""
