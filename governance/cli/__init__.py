"""The command line: one file per command group, and the rooms they share.

main       the program, and how errors are told
options    options that many commands take
console    words and JSON on the terminal
home       where a person's keys and receipts are
client     the HTTP API of one instance
answers    what the API returns, typed
signing    statements signed with a person's key
"""
