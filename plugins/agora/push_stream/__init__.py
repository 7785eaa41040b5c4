"""Whether push-streaming is enabled: asked of the vendor for many apps, kept in the warehouse."""
