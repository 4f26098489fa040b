"""HTTP in, HTTP out: the doors of the gate. Imports `policy`; `policy` never imports this."""
