import { ALL, type Holding } from "./protocol.ts";

/** What one shard holds, by key. */
type Holdings = ReadonlyMap<string, Holding>;

/** The resources of which a shard holds less than before. */
export function* freedBy(known: Holdings | undefined, stated: Holdings): Generator<string> {
  for (const [key, { places }] of known ?? []) {
    if ((stated.get(key)?.places ?? 0) < places) yield key;
  }
  if (placesOf(stated) < placesOf(known)) yield ALL;
}

export function byKey(holdings: readonly Holding[]): Map<string, Holding> {
  return new Map(holdings.map((holding) => [holding.key, holding]));
}

export function placesOf(holdings: Holdings | undefined): number {
  let places = 0;
  for (const holding of holdings?.values() ?? []) places += holding.places;
  return places;
}
