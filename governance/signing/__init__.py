"""Keys and signatures: who said these bytes.

`envelope` is the form in which every statement is signed (DSSE), `suites` the kinds of key a member may
enrol and how each verifies, `did_key` their public names, `keyfile` the private side. `ed25519`, `sshsig`
and `hybrid` hold one signature format each, and `note` the signed notes of logs and witnesses. Nothing here
reads a file or a clock.
"""
