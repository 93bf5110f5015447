import { Empty } from "../shell/index.ts";

/** A value of some that are compared. */
export interface Bar {
  readonly name: string;
  readonly value: number;
  /** The value in words. */
  readonly words: string;
}

const COLUMNS_WIDTH = 460;
const COLUMNS_HEIGHT = 120;
const MAX_COLUMN_WIDTH = 48;
/** Of the words at either end. */
const LABEL_WIDTH = 80;
/** Beneath and above the columns, for words. */
const FOOT = 20;
const HEAD = 16;

/** Values beneath each other, the names beside them. */
export function Bars({
  bars,
  label,
  colour = "a",
}: {
  bars: readonly Bar[];
  label: string;
  colour?: "a" | "b" | "c" | "d";
}) {
  if (bars.length === 0) return <Empty>None.</Empty>;
  const most = Math.max(...bars.map(({ value }) => value), 0);
  return (
    <ul class="bars" aria-label={label}>
      {bars.map(({ name, value, words }) => (
        <li>
          <span>{name}</span>
          <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
            <rect
              class={`area-${colour}`}
              width={most === 0 ? 0 : Math.round((value / most) * 1_000) / 10}
              height="10"
            />
          </svg>
          <span>{words}</span>
        </li>
      ))}
    </ul>
  );
}

/** Values over time, each a column; the numbers are there for those who can't see it, too. */
export function Columns({
  bars,
  label,
  colour = "a",
}: {
  bars: readonly Bar[];
  label: string;
  colour?: "a" | "b" | "c" | "d";
}) {
  const most = Math.max(...bars.map(({ value }) => value), 0);
  const width = Math.min(MAX_COLUMN_WIDTH, COLUMNS_WIDTH / Math.max(1, bars.length));
  const full = COLUMNS_HEIGHT - FOOT - HEAD;
  const [first] = bars;
  const last = bars.at(-1);
  const largest = bars.find(({ value }) => value === most);
  return (
    <svg
      class="plot"
      viewBox={`0 0 ${COLUMNS_WIDTH} ${COLUMNS_HEIGHT}`}
      role="img"
      aria-label={`${label}: ${bars.map(({ name, words }) => `${name} ${words}`).join(", ")}`}
    >
      <text x="0" y="11">
        {largest === undefined ? "" : `at most ${largest.words}`}
      </text>
      <line
        class="grid-line"
        x1="0"
        x2={COLUMNS_WIDTH}
        y1={COLUMNS_HEIGHT - FOOT}
        y2={COLUMNS_HEIGHT - FOOT}
      />
      {bars.map(({ name, value, words }, index) => {
        const height = most === 0 ? 0 : Math.round((value / most) * full * 10) / 10;
        return (
          <rect
            class={`area-${colour}`}
            x={Math.round((index + 0.08) * width * 10) / 10}
            width={Math.round(width * 0.84 * 10) / 10}
            y={COLUMNS_HEIGHT - FOOT - height}
            height={height}
          >
            <title>{`${name}: ${words}`}</title>
          </rect>
        );
      })}
      <text x="0" y={COLUMNS_HEIGHT - 5}>
        {first?.name}
      </text>
      {bars.length < 2 ? null : (
        <text
          x={Math.max(width * bars.length, 2 * LABEL_WIDTH)}
          y={COLUMNS_HEIGHT - 5}
          text-anchor="end"
        >
          {last?.name}
        </text>
      )}
    </svg>
  );
}
