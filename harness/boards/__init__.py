"""Many runs side by side: boards of those that answer one question, as pages and as files.

`reading` takes run folders in and says why one is left out; `boards` puts together what may stand
in one table; `groups` says which entries the data cannot tell apart; `overlays` draws their curves;
`site` writes pages and `exports` the same for machines.
"""
