export { Plot, type Series, type TimePlot } from "./plot.tsx";
export { durationScale, elapsedScale, linearScale, shareScale } from "./scales.ts";
