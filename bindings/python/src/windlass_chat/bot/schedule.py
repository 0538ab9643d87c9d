"""When a job is due next: after an interval, or by five fields as cron has them, in UTC."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("day of the week", 0, 7))
DAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
FARTHEST = 366 * 8 + 2
"""Days within which the 29th of February comes again, whatever the century."""


class Cron:
    """`minute hour day month weekday`, each `*`, a number, a range, a list, with a step: `*/5 9-17 * * mon-fri`."""

    def __init__(self, line: str) -> None:
        """Raises `ValueError` for what is none, or never comes."""
        fields = line.lower().split()
        if len(fields) != len(FIELDS):
            raise ValueError(f"{line!r} has not the five fields of minute, hour, day, month, day of the week")
        read = [_field(text, *field) for text, field in zip(fields, FIELDS, strict=True)]
        self._minutes, self._hours, self._days, self._months, weekdays = read
        self._weekdays = {day % 7 for day in weekdays}
        # As cron has it: where both are given, either will do.
        self._either = not (fields[2].startswith("*") or fields[4].startswith("*"))
        self.after(datetime(2000, 1, 1, tzinfo=timezone.utc))

    def after(self, time: datetime) -> datetime:
        """The next time behind another. Raises `ValueError` if there is none."""
        time = time.astimezone(timezone.utc)
        first = time.replace(second=0, microsecond=0) + timedelta(minutes=1)
        midnight = first.replace(hour=0, minute=0)
        for days in range(FARTHEST):
            day = midnight + timedelta(days=days)
            if not self._is_on(day):
                continue
            for hour in sorted(self._hours):
                for minute in sorted(self._minutes):
                    found = day.replace(hour=hour, minute=minute)
                    if found >= first:
                        return found
        raise ValueError("there is no such day")

    def _is_on(self, day: datetime) -> bool:
        by_date, by_week = day.day in self._days, day.isoweekday() % 7 in self._weekdays
        on = by_date or by_week if self._either else by_date and by_week
        return on and day.month in self._months


def _field(text: str, name: str, lowest: int, highest: int) -> set[int]:
    values: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        begin, dash, end = span.partition("-")
        first = lowest if span == "*" else _number(begin, name, lowest, highest)
        last = highest if span == "*" or (slash and not dash) else _number(end if dash else begin, name, lowest, highest)
        steps = _number(step, name, 1, highest) if slash else 1
        if first > last:
            raise ValueError(f"{part!r} is no range of the {name}")
        values.update(range(first, last + 1, steps))
    return values


def _number(text: str, name: str, lowest: int, highest: int) -> int:
    names = {"month": MONTHS, "day of the week": DAYS}.get(name, {})
    number = names.get(text, int(text) if text.isascii() and text.isdigit() else -1)
    if not lowest <= number <= highest:
        raise ValueError(f"{text!r} is no {name}")
    return number


def next_run(due: float, now: float, every: float | None, cron: str | None) -> float | None:
    """When a job is due again that was due at a time; nothing if it is not. What was missed meanwhile is not made up for."""
    if cron is not None:
        return Cron(cron).after(datetime.fromtimestamp(max(now, due), timezone.utc)).timestamp()
    if every is None:
        return None
    if due > now + every:
        # The clock was wrong.
        due = now
    return due + every * (1 + max(0, int((now - due) // every)))
