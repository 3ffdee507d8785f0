"""The publishing side of a channel: keys, signed metadata, releases. Devices follow it with `emendo sync`."""
