"""Settings from connections and variables, validated."""
