"""Pure folds: entries in, state out, refusing what breaks a rule.

The service asks these folds before it accepts, the audit asks the same folds after (DESIGN 3). A refused
entry leaves the state as it was. No fold reads a clock.
"""
