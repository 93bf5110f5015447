import { getPosition, getTimes } from "suncalc";

const DAY = 86_400_000;
/** Events that don't come for so long don't come at all. */
const MAX_DAYS = 400;

/** Celery's solar events: what suncalc calls them, and how high the sun's middle stands then, degrees. */
const EVENTS = {
  dawn_astronomical: { name: "nightEnd", altitude: -18 },
  dawn_nautical: { name: "nauticalDawn", altitude: -12 },
  dawn_civil: { name: "dawn", altitude: -6 },
  sunrise: { name: "sunrise", altitude: -0.833 },
  solar_noon: { name: "solarNoon", altitude: null },
  sunset: { name: "sunset", altitude: -0.833 },
  dusk_civil: { name: "dusk", altitude: -6 },
  dusk_nautical: { name: "nauticalDusk", altitude: -12 },
  dusk_astronomical: { name: "night", altitude: -18 },
} as const;

export type SolarEvent = keyof typeof EVENTS;

export const SOLAR_EVENTS = Object.keys(EVENTS) as [SolarEvent, ...SolarEvent[]];

/** Farther from noon an event is another day's. The days themselves are half a minute longer or shorter than 24 hours. */
const MAX_FROM_NOON = DAY / 2 + 60_000;
/** What the air lifts the sun by where it is not high, and how far off suncalc may be, degrees. */
const LIFT = 0.5;
const MAX_OFF = 1;

/** The next time of an event after an instant, epoch ms; null: it doesn't come there. */
export function nextSolar(
  event: SolarEvent,
  latitude: number,
  longitude: number,
  after: number,
): number | null {
  for (let day = -1; day < MAX_DAYS; day += 1) {
    const at = eventOf(event, latitude, longitude, new Date(after + day * DAY));
    // To the second: what is below it is no more than the formula's.
    const slot = at === null ? NaN : Math.round(at.getTime() / 1_000) * 1_000;
    if (slot > after) return slot;
  }
  return null;
}

/**
 * An event of a day; null: there is none. Where the sun only grazes its altitude suncalc's approximation may end
 * anywhere, days off or with the sun high up.
 */
function eventOf(event: SolarEvent, latitude: number, longitude: number, day: Date): Date | null {
  const { name, altitude } = EVENTS[event];
  const times = getTimes(day, latitude, longitude);
  const at = times[name];
  if (at === null || altitude === null) return at;
  const fromNoon = Math.abs(at.getTime() - times.solarNoon.getTime());
  const seen = getPosition(at, latitude, longitude).altitude;
  const isThere = fromNoon <= MAX_FROM_NOON && Math.abs(seen - LIFT - altitude) <= MAX_OFF;
  return isThere ? at : null;
}
