"""The process that judges: journal -> verdicts -> alarms and work orders -> notices.

judge    reads the journal, evaluates, hands transitions to the responder, keeps its place
place    where a judge stands: cursor, snapshot, and the reconciliation with the open alarms
outbox   sends committed notices, with back-off and an idempotency key
trouble  says once that something broke and once that it is back
main     both as threads that are started again when they fall
"""
