import { testMixes } from "./mix-tests.ts";

testMixes(2, 4);
