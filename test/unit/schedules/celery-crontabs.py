"""What Celery makes of crontabs: writes celery-crontabs.json, which crontabs-celery.test.ts reads.

    /usr/bin/python3 celery-crontabs.py > celery-crontabs.json

needs Debian's python3-celery (the file there is of 5.2.6). Left out is what Lovage takes otherwise on purpose:
7 for Sunday, and texts that Celery reads up to the middle ("1-2-3").
"""

import json
import random
from datetime import datetime, timedelta, timezone

import celery
from celery.schedules import crontab

FIELDS = {
    "minute": (0, 59),
    "hour": (0, 23),
    "day_of_month": (1, 31),
    "month_of_year": (1, 12),
    "day_of_week": (0, 6),
}
DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat", "Monday", "SUNDAY"]
WRONG = ["*/0", "*/", "*/x", "5/15", "**", "?", "L", "foo", "99", "-1", "1-", "1,,2", "", "1.5"]
# Days on which clocks are changed, and one on which they are not.
CHANGES = [
    ("Europe/Paris", (2025, 3, 30)),
    ("Europe/Paris", (2025, 10, 26)),
    ("America/New_York", (2025, 3, 9)),
    ("America/New_York", (2025, 11, 2)),
    ("Australia/Lord_Howe", (2025, 4, 6)),
    ("Australia/Lord_Howe", (2025, 10, 5)),
    ("Asia/Kolkata", (2025, 5, 5)),
]
# Each with hours of its own: the others keep their pace in Lovage.
TIMES = ["0 0", "30 1", "0 2", "30 2", "0 3", "*/20 1-3", "30 */2", "15,45 0,2"]

MINUTE = "%Y-%m-%dT%H:%MZ"

chance = random.Random(5)


def app_in(zone):
    app = celery.Celery(set_as_current=False)
    app.conf.timezone = zone
    return app


def number(field):
    if field == "day_of_week" and chance.random() < 0.3:
        return chance.choice(DAYS)
    return str(chance.randint(*FIELDS[field]))


def part(field):
    kind = chance.random()
    if kind < 0.03:
        return chance.choice(WRONG)
    step = str(chance.choice([1, 2, 3, 5, 7, 11, 20, 40]))
    between = number(field) + "-" + number(field)
    return chance.choice(["*", "*/" + step, number(field), between, between + "/" + step])


def text(field):
    if chance.random() < 0.4:
        return "*"
    return ",".join(part(field) for _ in range(chance.choice([1, 1, 1, 2, 3])))


def expression():
    fields = [text(field) for field in FIELDS]
    after = datetime(2024, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=chance.randrange(126_230_400))
    now = [after]
    try:
        schedule = crontab(nowfun=lambda: now[0], app=UTC, **dict(zip(FIELDS, fields)))
        slots = []
        for _ in range(3):
            now[0] += schedule.remaining_estimate(now[0])
            slots.append(now[0].strftime(MINUTE))
    except Exception:
        # Celery's ValueError and ParseException, and RuntimeError for a date that never comes.
        slots = ["refused"]
    return row(" ".join(fields), after.strftime("%Y-%m-%dT%H:%M:%SZ"), slots)


def change(zone, day, time):
    """When a beat fires that looks every minute, in the time around a change."""
    minute, hour = time.split()
    app = app_in(zone)
    now = [datetime(*day, tzinfo=timezone.utc) - timedelta(hours=30)]
    local = lambda: now[0].astimezone(app.timezone)
    schedule = crontab(minute=minute, hour=hour, nowfun=local, app=app)
    start, last, fired = now[0], local(), []
    for _ in range(60 * 60):
        now[0] += timedelta(minutes=1)
        if schedule.is_due(last).is_due:
            last = local()
            fired.append(now[0].strftime(MINUTE))
    return row(time, start.strftime(MINUTE), fired, zone)


def row(text, after, slots, zone="UTC"):
    return " | ".join([zone, text, after, " ".join(slots)])


UTC = app_in("UTC")
found = {
    "celery": celery.__version__,
    "expressions": [expression() for _ in range(400)],
    "changes": [change(zone, day, time) for zone, day in CHANGES for time in TIMES],
}
print(json.dumps(found, indent=2))
