export { createEagerLovage, type EagerAnswer, type EagerLovage } from "./eager.ts";
export { createTestLovage, type TestLovage, type TestLovageOptions } from "./test-lovage.ts";
