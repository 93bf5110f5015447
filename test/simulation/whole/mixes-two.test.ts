import { testMixes } from "./mix-tests.ts";

testMixes(1, 4);
