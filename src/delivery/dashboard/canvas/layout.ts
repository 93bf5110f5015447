import type { CanvasNode, MembersNode } from "./nodes.ts";

export const NODE_WIDTH = 200;
export const NODE_HEIGHT = 48;
const FOLDED_HEIGHT = 66;
export const LINK = 34;
const GAP = 10;
const PAD = 12;
export const TITLE = 16;

/** A part of a canvas with the room that it takes. */
export interface Box {
  readonly node: CanvasNode;
  /** Of its left upper corner, from that of the box around it. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly members: readonly Box[];
}

/** Chains from left to right, groups from top to bottom, the members of a chain around one middle line. */
export function layOut(node: CanvasNode): Box {
  if (node.kind === "chain" || node.kind === "chord") return chain(node);
  if (node.kind === "group") return group(node);
  const height = node.kind === "task" ? NODE_HEIGHT : FOLDED_HEIGHT;
  return { node, x: 0, y: 0, width: NODE_WIDTH, height, members: [] };
}

function chain(node: MembersNode): Box {
  const boxes = node.members.map(layOut);
  const height = Math.max(NODE_HEIGHT, ...boxes.map((box) => box.height));
  let x = 0;
  const members = boxes.map((box) => {
    const placed = { ...box, x, y: (height - box.height) / 2 };
    x += box.width + LINK;
    return placed;
  });
  return { node, x: 0, y: 0, width: Math.max(NODE_WIDTH, x - LINK), height, members };
}

function group(node: MembersNode): Box {
  const boxes = node.members.map(layOut);
  const width = Math.max(NODE_WIDTH, ...boxes.map((box) => box.width)) + 2 * PAD;
  let y = PAD + TITLE;
  const members = boxes.map((box) => {
    const placed = { ...box, x: PAD, y };
    y += box.height + GAP;
    return placed;
  });
  return { node, x: 0, y: 0, width, height: Math.max(NODE_HEIGHT, y - GAP + PAD), members };
}
