import { testMixes } from "./mix-tests.ts";

testMixes(0, 4);
