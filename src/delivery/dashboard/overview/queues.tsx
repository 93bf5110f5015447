import type { QueueLength } from "#engine";
import { Cell, count, duration, Empty, pathWith, Table, Tag, When } from "../shell/index.ts";

const BAR_WIDTH = 240;
const BAR_HEIGHT = 12;

/** What every queue holds now, drawn beside each other on one scale. */
export function Queues({ queues, now }: { queues: readonly QueueLength[] | null; now: number }) {
  return (
    <section class="card">
      <h2>Queues</h2>
      {queues === null ? (
        <Empty>What the queues hold can’t be reached just now.</Empty>
      ) : (
        <>
          <Table
            caption="What every queue holds now"
            head={["Queue", "Backlog", "Waiting", "Scheduled", "Running", "Oldest waits for", ""]}
            numbers={["Waiting", "Scheduled", "Running", "Oldest waits for"]}
          >
            {queues.map((queue) => (
              <Queue queue={queue} most={mostOf(queues)} now={now} />
            ))}
          </Table>
          <p class="legend" aria-hidden="true">
            <span class="key area-d">waiting</span>
            <span class="key area-c">running</span>
            <span class="key area-e">scheduled</span>
          </p>
        </>
      )}
    </section>
  );
}

function mostOf(queues: readonly QueueLength[]): number {
  return Math.max(
    10,
    ...queues.map(({ waiting, scheduled, running }) => waiting + scheduled + running),
  );
}

function Queue({ queue, most, now }: { queue: QueueLength; most: number; now: number }) {
  const { waiting, scheduled, running, oldestAt, isPaused, pause } = queue;
  const listed = pathWith("/dashboard/tasks", { queue: queue.queue });
  return (
    <tr id={`queue-${queue.queue}`}>
      <Cell name="Queue">
        <a href={listed}>{queue.queue}</a>
      </Cell>
      <Cell name="Backlog">
        <Bar parts={[waiting, running, scheduled]} most={most} />
      </Cell>
      <Cell name="Waiting" kind="number">
        {count(waiting)}
      </Cell>
      <Cell name="Scheduled" kind="number">
        {count(scheduled)}
      </Cell>
      <Cell name="Running" kind="number">
        {count(running)}
      </Cell>
      <Cell name="Oldest waits for" kind="number">
        {oldestAt === null ? "–" : duration(Math.max(0, now - oldestAt))}
      </Cell>
      <Cell name="">
        {isPaused ? (
          <>
            <Tag state="paused" kind="warn" /> {pause?.reason ?? ""}{" "}
            {pause === null ? null : <When at={pause.at} />}
          </>
        ) : null}
      </Cell>
    </tr>
  );
}

const COLOURS = ["d", "c", "e"];

function Bar({ parts, most }: { parts: readonly number[]; most: number }) {
  let x = 0;
  const pieces = parts.map((part, index) => {
    const from = x;
    const width = part === 0 ? 0 : Math.max(2, (BAR_WIDTH * part) / most);
    x += width;
    return { from, width, colour: COLOURS[index] ?? "d" };
  });
  return (
    <svg
      class="bar"
      viewBox={`0 0 ${BAR_WIDTH} ${BAR_HEIGHT}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      <rect class="track" width={BAR_WIDTH} height={BAR_HEIGHT} rx="3" />
      {pieces.map(({ from, width, colour }) =>
        width === 0 ? null : (
          <rect
            class={`area-${colour}`}
            x={from}
            width={Math.min(width, BAR_WIDTH - from)}
            height={BAR_HEIGHT}
            rx="2"
          />
        ),
      )}
    </svg>
  );
}
