import { count, placeOf, Tag } from "../shell/index.ts";
import type { CanvasData } from "./canvas-data.ts";
import { membersPath, wordsOf } from "./graph.tsx";
import type { CanvasNode } from "./nodes.ts";

/** The same as the drawing, as nested lists. */
export function Outline({ node, data, id }: { node: CanvasNode; data: CanvasData; id: string }) {
  return (
    <ul class="outline">
      <Part node={node} data={data} id={id} />
    </ul>
  );
}

function Part({ node, data, id }: { node: CanvasNode; data: CanvasData; id: string }) {
  if (node.kind === "task") {
    const task = data.taskAt(node.place);
    const undone = node.undo === null ? null : data.taskAt(node.place + 1);
    return (
      <li>
        <Tag state={task?.reported?.state ?? task?.state ?? "PENDING"} />{" "}
        {task === null ? node.name : <a href={placeOf.task(task.id)}>{node.name}</a>}
        {node.undo === null ? null : (
          <span class="quiet">
            , undone by{" "}
            {undone === null ? (
              node.undo
            ) : (
              <a href={placeOf.task(undone.id)}>
                {node.undo} ({undone.state})
              </a>
            )}
          </span>
        )}
        {task?.options.tree === undefined ? null : (
          <>
            , <a href={placeOf.canvas(task.id)}>a canvas itself</a>
          </>
        )}
      </li>
    );
  }
  if (node.kind === "folded") {
    const states = data.statesOf(node);
    return (
      <li>
        <a href={membersPath(id, node)}>
          {count(node.count)} × {node.name}
        </a>
        {states === null ? null : <span class="quiet"> {wordsOf(states, node.count)}</span>}
      </li>
    );
  }
  const List = node.kind === "group" ? "ul" : "ol";
  return (
    <li>
      {WORDS[node.kind]}
      <List>
        {node.members.map((member) => (
          <Part node={member} data={data} id={id} />
        ))}
      </List>
    </li>
  );
}

const WORDS = {
  chain: "chain, one after the other",
  group: "group, side by side",
  chord: "chord, a group and what gets its results",
} as const;
