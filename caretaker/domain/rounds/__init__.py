"""Inspection rounds: marked places, plans, walks, and what a scan is worth.

checkpoints  a marked place with its checks
codes        the signed token of a sticker, the short human code, the rotating code
plans        which checkpoints, in what order, when, by whom
rounds       one walk of a plan and its visits
scans        one reading of a sticker by a person, with everything that speaks for or against it
judge        the verdict on a scan: state, reasons, confidence
"""
