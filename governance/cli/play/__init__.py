"""The demonstration: a fictional community plays a quarter against a real service.

stage     the service as a process of its own
people    members, their keys, and what each group wants
quarter   the quarter, step by step
"""
