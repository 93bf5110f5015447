import { testMixes } from "./mix-tests.ts";

testMixes(3, 4);
