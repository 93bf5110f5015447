/** The name under which a shard's object is addressed. */
export function nameOfShard(shard: number): string {
  return `shard-${shard}`;
}

export function shardOfName(name: string | undefined): number {
  const shard = Number(name?.slice("shard-".length));
  if (!Number.isInteger(shard)) throw new Error(`'${name}' is not the name of a ledger shard.`);
  return shard;
}
