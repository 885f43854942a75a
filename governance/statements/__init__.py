"""What is signed: one frozen struct per payload type, with the bounds its JSON Schema states.

A statement is the payload of a DSSE envelope of type `application/vnd.althing.<kind>.v1+json`; its kind
stands in that type and so under the signature, never in the payload. Rules that need more than one statement
live in `governance.replay`.
"""
