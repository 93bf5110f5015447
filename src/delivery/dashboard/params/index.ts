export { ParamFields } from "./params-fields.tsx";
export { paramsOf, type Param } from "./params-form.ts";
export {
  isShownWhole,
  keptSecrets,
  linesOf,
  readJson,
  readParams,
  valuesOf,
} from "./params-values.ts";
export { masked, maskedArgs } from "./shown-secrets.ts";
