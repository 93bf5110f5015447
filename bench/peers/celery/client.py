"""The application that calls the tasks: does what it is told, one line of JSON for another."""

import json
import sys
import time

import redis
from celery import chain, chord

import tasks

# How often it looks whether all results are there.
PAUSE_SECONDS = 0.005
TIMEOUT_SECONDS = 120

broker = redis.Redis.from_url(f"{tasks.BROKER}/0")
results = redis.Redis.from_url(f"{tasks.BROKER}/1")


def until_recorded(count):
    """Waits for so many results: cheaper for Celery than asking for each."""
    until = time.monotonic() + TIMEOUT_SECONDS
    while results.dbsize() < count:
        if time.monotonic() > until:
            raise TimeoutError("The tasks did not end in time.")
        time.sleep(PAUSE_SECONDS)


def load(count, call):
    """Calls so many tasks. Returns the seconds from the first call to the last result."""
    before = results.dbsize()
    started_at = time.perf_counter()
    calls = [call(n) for n in range(count)]
    until_recorded(before + count)
    seconds = time.perf_counter() - started_at
    # Takes in what Redis told about them, which the next measurement would pay for.
    for each in calls:
        each.get(timeout=TIMEOUT_SECONDS)
    return seconds


def over_one_producer(count, task, args):
    """The fastest way to call many: a group makes a message each too, and is slower."""
    with tasks.app.producer_or_acquire() as producer:
        return load(count, lambda n: task.apply_async(args(n), producer=producer))


def bulk(count):
    return over_one_producer(count, tasks.noop, lambda n: (n,))


def single(count):
    return load(count, tasks.noop.delay)


def http(count, url):
    return over_one_producer(count, tasks.get, lambda _: (url,))


def timed(count, call):
    """Milliseconds from each call to its result, one after another."""
    times = []
    for n in range(count):
        started_at = time.perf_counter()
        call(n).get(timeout=TIMEOUT_SECONDS)
        times.append((time.perf_counter() - started_at) * 1000)
    return times


def latency(count):
    return timed(count, tasks.noop.delay)


def chained(count):
    links = [tasks.noop.s() for _ in range(19)]
    return timed(count, lambda n: chain(tasks.noop.s(n), *links)())


def chorded(count):
    header = [tasks.noop.s(n) for n in range(100)]
    return timed(count, lambda _: chord(header)(tasks.size.s()))


def effects(count, url):
    with tasks.app.producer_or_acquire() as producer:
        for n in range(count):
            tasks.effect.apply_async((url, n), producer=producer)


def held():
    """Tasks that it still has: of a worker that is gone, or for any."""
    return broker.hlen("unacked") + broker.llen("celery")


COMMANDS = {
    "bulk": bulk,
    "single": single,
    "http": http,
    "latency": latency,
    "chain": chained,
    "chord": chorded,
    "effects": effects,
    "held": held,
}

for line in sys.stdin:
    asked = json.loads(line)
    answer = COMMANDS[asked.pop("do")](**asked)
    print(json.dumps(answer), flush=True)
