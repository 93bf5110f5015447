import { elapsedScale } from "../plots/index.ts";
import { duration } from "../shell/index.ts";
import type { Timeline } from "./timeline.ts";

/** Inner units. */
const WIDTH = 860;
const PAD = 6;
const BAR = 26;
const LANE = 18;
const AXIS = 22;
/** What would be narrower is as wide as this, so that it is seen. */
const MIN_WIDTH = 2.5;
const CHARACTER = 6.4;
const MAX_LANES = 8;

/** A task's life drawn to scale, and in words below. */
export function TimelineView({ timeline }: { timeline: Timeline }) {
  const { from, to, phases } = timeline;
  const lanes = Math.min(MAX_LANES, timeline.lanes);
  const steps = timeline.steps.filter(({ lane }) => lane < MAX_LANES);
  const scale = elapsedScale(to - from);
  const x = (at: number) => PAD + (WIDTH - 2 * PAD) * scale.place(at - from);
  const bottom = BAR + 8 + lanes * LANE;
  const span = (start: number, end: number) => ({
    left: Math.min(x(start), WIDTH - PAD - MIN_WIDTH),
    width: Math.max(MIN_WIDTH, x(end) - x(start)),
  });
  return (
    <>
      <div class="scrolled" tabindex={0} role="group" aria-label="Timeline, drawn">
        <svg class="plot timeline" viewBox={`0 0 ${WIDTH} ${bottom + AXIS}`} aria-hidden="true">
          {scale.ticks.map(({ at, label }) => (
            <>
              <line class="grid-line" x1={x(from + at)} x2={x(from + at)} y1="0" y2={bottom} />
              <text x={x(from + at)} y={bottom + 15} text-anchor={at === 0 ? "start" : "middle"}>
                {label}
              </text>
            </>
          ))}
          {phases.map((phase) => {
            const { left, width } = span(phase.from, phase.to);
            const isAttempt = phase.attempt !== undefined;
            return (
              <Bar
                kind={`phase ${phase.kind.replace(" ", "-")}`}
                place={{
                  left,
                  width,
                  top: isAttempt ? 2 : BAR / 2 - 2,
                  height: isAttempt ? BAR - 2 : 6,
                }}
                label={isAttempt ? `${phase.attempt}: ${phase.kind}` : ""}
                title={`${phase.words}: ${duration(phase.to - phase.from)}`}
              />
            );
          })}
          {steps.map(({ name, state, lane, ...time }) => (
            <Bar
              kind={`step ${state}`}
              place={{ ...span(time.from, time.to), top: BAR + 8 + lane * LANE, height: LANE - 4 }}
              label={name}
              title={`${name}, ${state}: ${duration(time.to - time.from)}`}
            />
          ))}
        </svg>
      </div>
      <details id="timeline-words">
        <summary>The timeline in words</summary>
        <ol class="small">
          {phases.map((phase) => (
            <li>
              {phase.words}: {duration(phase.to - phase.from)}
            </li>
          ))}
          {timeline.steps.map(({ name, state, ...time }) => (
            <li>
              {name}, {state}: {duration(time.to - time.from)}
            </li>
          ))}
        </ol>
      </details>
    </>
  );
}

function Bar({
  kind,
  place: { left, width, top, height },
  label,
  title,
}: {
  kind: string;
  place: { left: number; width: number; top: number; height: number };
  label: string;
  title: string;
}) {
  const hasRoom = label !== "" && label.length * CHARACTER + 8 < width;
  return (
    <g class={kind}>
      <rect x={round(left)} y={top} width={round(width)} height={height} rx="3">
        <title>{title}</title>
      </rect>
      {hasRoom ? (
        <text x={round(left + 5)} y={top + height / 2 + 4}>
          {label}
        </text>
      ) : null}
    </g>
  );
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
