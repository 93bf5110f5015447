export { Plot, type Colour, type Series, type TimePlot } from "./plot.tsx";
export { durationScale, elapsedScale, linearScale, shareScale, type Scale } from "./scales.ts";
