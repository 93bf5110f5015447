/** A promise of the ledger was broken. */
export class Violation extends Error {
  override readonly name = "Violation";
}
