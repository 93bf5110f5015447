import { isTerminal, type State } from "#engine";
import { clipped, count, pathWith, placeOf } from "../shell/index.ts";
import type { CanvasData, States } from "./canvas-data.ts";
import { LINK, layOut, NODE_HEIGHT, NODE_WIDTH, TITLE, type Box } from "./layout.ts";
import type { FoldedNode, MembersNode, TaskNode } from "./nodes.ts";

const MARGIN = 4;
/** Characters that a node has room for. */
const NAME_LENGTH = 23;
const WORDS_LENGTH = 28;

type Parts = { readonly box: Box; readonly data: CanvasData; readonly id: string };

/** The canvas, drawn: every task is a link. */
export function Graph({ data, id }: { data: CanvasData; id: string }) {
  const box = layOut(data.root);
  const [width, height] = [Math.ceil(box.width) + 2 * MARGIN, Math.ceil(box.height) + 2 * MARGIN];
  return (
    <div class="scrolled" tabindex={0} role="group" aria-label="The canvas, drawn">
      <svg
        class="graph"
        width={width}
        height={height}
        viewBox={`${-MARGIN} ${-MARGIN} ${width} ${height}`}
        role="group"
        aria-label="Tasks of the canvas"
      >
        <defs>
          <marker
            id="arrow"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="7"
            markerHeight="7"
            orient="auto"
          >
            <path class="arrow" d="M0 0 8 4 0 8Z" />
          </marker>
        </defs>
        <Part box={box} data={data} id={id} />
      </svg>
    </div>
  );
}

function Part({ box, data, id }: Parts) {
  const { node, x, y } = box;
  return (
    <g transform={`translate(${x} ${y})`}>
      {node.kind === "task" ? <Task node={node} data={data} /> : null}
      {node.kind === "folded" ? <Folded node={node} data={data} id={id} /> : null}
      {node.kind === "group" ? <Frame node={node} box={box} /> : null}
      {node.kind === "chain" || node.kind === "chord" ? <Links box={box} /> : null}
      {box.members.map((member) => (
        <Part box={member} data={data} id={id} />
      ))}
    </g>
  );
}

function Frame({ node, box }: { node: MembersNode; box: Box }) {
  const kind = node.collectsErrors ? "group, failures don’t fail it" : "group";
  return (
    <>
      <rect class="frame" width={box.width} height={box.height} rx="10" />
      <text class="frame-title" x="12" y={TITLE + 2}>
        {kind}
      </text>
    </>
  );
}

function Links({ box }: { box: Box }) {
  return (
    <>
      {box.members.slice(1).map((member) => (
        <line
          class="link"
          x1={member.x - LINK + 2}
          x2={member.x - 3}
          y1={box.height / 2}
          y2={box.height / 2}
          marker-end="url(#arrow)"
        />
      ))}
    </>
  );
}

function Task({ node: { name, place, undo }, data }: { node: TaskNode; data: CanvasData }) {
  const task = data.taskAt(place);
  const state = task?.reported?.state ?? task?.state ?? "PENDING";
  const undone = undo === null ? null : data.taskAt(place + 1);
  const note =
    undo === null ? "" : undone === null ? " · can be undone" : ` · undo ${undone.state}`;
  const drawn = (
    <g class={`node ${state}`}>
      {name.length > NAME_LENGTH ? <title>{name}</title> : null}
      <rect width={NODE_WIDTH} height={NODE_HEIGHT} rx="8" />
      <text class="name" x="11" y="20">
        {clipped(name, NAME_LENGTH)}
      </text>{" "}
      <text class="state" x="11" y="37">
        {`${state}${note}`}
      </text>
    </g>
  );
  // There is nothing to see yet of a task that was not begun.
  if (task === null) return drawn;
  return <a href={placeOf.task(task.id)}>{drawn}</a>;
}

/** Many members in one node. */
function Folded({ node, data, id }: { node: FoldedNode; data: CanvasData; id: string }) {
  const states = data.statesOf(node);
  const words = states === null ? "" : wordsOf(states, node.count);
  const href = membersPath(id, node);
  return (
    <a href={href}>
      <g class="node folded">
        {words.length > WORDS_LENGTH ? <title>{words}</title> : null}
        <rect x="5" y="4" width={NODE_WIDTH - 5} height="62" rx="8" class="behind" />
        <rect width={NODE_WIDTH - 5} height="61" rx="8" />
        <text class="name" x="11" y="20">
          {clipped(`${count(node.count)} × ${node.name}`, NAME_LENGTH)}
        </text>{" "}
        <text class="state" x="11" y="37">
          {clipped(words, WORDS_LENGTH)}
        </text>
        {states === null ? null : <StateBar states={states} total={node.count} />}
      </g>
    </a>
  );
}

/** How many of a fold are in which state. */
function StateBar({ states, total }: { states: States; total: number }) {
  const room = NODE_WIDTH - 27;
  const seen = Object.values(states).reduce((sum, many) => sum + many, 0);
  const all = Math.max(total, seen, 1);
  let x = 11;
  return (
    <>
      <rect class="track" x="11" y="46" width={room} height="7" rx="2" />
      {Object.entries(states).map(([state, many]) => {
        const width = (room * many) / all;
        const left = x;
        x += width;
        return (
          <rect class={`bar ${state}`} x={round(left)} y="46" width={round(width)} height="7" />
        );
      })}
    </>
  );
}

/** "412 SUCCESS, 3 FAILURE, 585 not started" */
export function wordsOf(states: States, total: number): string {
  const seen = Object.values(states).reduce((sum, many) => sum + many, 0);
  const parts = Object.entries(states).map(([state, many]) => `${count(many)} ${state}`);
  const left = Math.max(0, total - seen);
  return [...parts, ...(left > 0 ? [`${count(left)} not started`] : [])].join(", ");
}

/** How many of them have ended. */
export function endedIn(states: States): number {
  return Object.entries(states).reduce(
    (sum, [state, many]) => (isTerminal(state as State) ? sum + many : sum),
    0,
  );
}

/** Where the members of a fold are listed. */
export function membersPath(id: string, { from, to }: Pick<FoldedNode, "from" | "to">): string {
  return `${pathWith(placeOf.canvas(id), { from: String(from), to: String(to) })}#members`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
